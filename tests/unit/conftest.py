"""Fixtures for the tests of several parts."""

import os

import pytest
from pretend_gpu import DEVICE, PretendGpu  # here, since torch counts devices at the first backward pass


@pytest.fixture
def pretend_gpu():
    """A pretended GPU, entered: tensors can be on its ``device``, and its ``waits`` are written down."""
    with PretendGpu() as gpu:
        gpu.device = DEVICE
        yield gpu


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
