"""Small runs for the tests of training, and stand-in data to damage."""

import shutil
from dataclasses import replace

import pytest

from uhn.configuration.generators import UHNConfig
from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import InitConfig, TrainConfig
from uhn.data.sources import DataSource


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


@pytest.fixture
def own_home(at_home, tmp_path, monkeypatch):
    """A function data sets -> copies of their stand-ins in the working folder, to be damaged there."""

    def make(*datasets):
        monkeypatch.chdir(at_home)
        for dataset in datasets:
            folder = DataSource("standin").prepare(dataset)
            shutil.copytree(folder, tmp_path / "resources/standin" / dataset)
        monkeypatch.chdir(tmp_path)
        return tmp_path / "resources/standin"

    return make
