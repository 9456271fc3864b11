"""Small runs for the tests of training, and a folder with stand-in data to run them in."""

import os
import shutil
from dataclasses import replace

import pytest

from uhn.data.sources import DataSource
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


@pytest.fixture(scope="session")
def standin_home(tmp_path_factory):
    """A folder to work in: runs write their stand-ins there, once for all tests and all test processes."""
    base = tmp_path_factory.getbasetemp()
    home = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "standin_home"
    home.mkdir(exist_ok=True)
    return home


@pytest.fixture
def at_home(standin_home, monkeypatch):
    """Work in the folder with the stand-ins; nothing but them and their tokens is written there."""
    monkeypatch.chdir(standin_home)
    return standin_home


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
