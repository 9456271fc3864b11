"""The resolved configuration of a run."""

import numpy as np
import pytest

from uhn.configuration.resolve import load_experiment, resolve
from uhn.errors import UserError


@pytest.mark.parametrize("setting", ["kan_kv", "mnist_mlp"])
def test_one_range_of_seeds_for_all_settings(setting):
    """It is NumPy's, which draws the data of formulas."""
    for seed in (0, 2**32 - 1):
        np.random.RandomState(seed)
        assert resolve(load_experiment(setting), "direct", seed, "demo").seed == seed
    for seed in (-1, 2**32):
        with pytest.raises(ValueError):
            np.random.RandomState(seed)
        with pytest.raises(UserError, match=f"seed {seed}: expected an integer from 0 to 4294967295"):
            resolve(load_experiment(setting), "direct", seed, "demo")
