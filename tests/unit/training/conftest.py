"""Small runs for the tests of training."""

from dataclasses import replace

import pytest

from uhn.experiments.config import InitConfig, TrainConfig
from uhn.experiments.resolve import load_experiment, resolve
from uhn.hypernetworks.config import UHNConfig


@pytest.fixture
def small_run():
    """A function variant -> configuration of a few dozen steps."""

    def make(variant="uhn", seed=21962, **changes):
        config = resolve(load_experiment("kan_kv"), variant, seed, "demo")
        config = replace(config, train=TrainConfig(30, "epochs", config.train.lr, 5))
        if variant == "uhn":
            sizes = UHNConfig(index_frequencies=64, hidden_dim=16)
            config = replace(config, hypernetwork=sizes, init=InitConfig(steps=10, lr=(2e-3,)))
        return replace(config, **changes)

    return make
