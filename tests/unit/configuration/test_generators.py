"""Sizes of generators and their defaults."""

from dataclasses import fields

import pytest

from uhn.configuration.generators import ChunkedConfig, GenerationConfig, HAConfig, UHNConfig
from uhn.configuration.resolve import load_defaults
from uhn.configuration.run import with_tuples
from uhn.errors import UserError


@pytest.mark.parametrize(
    ("section", "config"),
    [("hypernetwork", UHNConfig), ("ha", HAConfig), ("chunked", ChunkedConfig), ("generation", GenerationConfig)],
)
def test_the_library_has_the_defaults_of_the_configuration(section, config):
    """Code that builds a generator without a configuration file gets what ``config/defaults.yaml`` states in full."""
    stated = with_tuples(load_defaults()[section])
    assert set(stated) == {field.name for field in fields(config)}
    assert config(**stated) == config()


@pytest.mark.parametrize(
    ("config", "choices", "message"),
    [
        (UHNConfig, {"encoding": "fourier"}, "encoding: expected one of gaussian_fourier, positional, raw, hash, got"),
        (UHNConfig, {"encoding": "raw", "layer_scale": 5.0}, "expected encoding gaussian_fourier with them, got raw"),
        (UHNConfig, {"encoding": "hash", "hash_table_size": 1000}, "expected a power of two, got 1000"),
        (GenerationConfig, {"compile_trunk": "fast"}, "compile_trunk: expected one of none, default, "),
    ],
)
def test_choices_that_do_not_exist_are_named(config, choices, message):
    with pytest.raises(UserError, match=message):
        config(**choices)
