"""Stand-ins, written once; the folder of real data, where there is one."""

import os
from pathlib import Path

import pytest

from uhn.data.standin import WRITERS, write_standin


@pytest.fixture(scope="session")
def standins(tmp_path_factory):
    """A folder with the stand-in of every data set; tests read only."""
    folder = tmp_path_factory.mktemp("standins")
    for name in WRITERS:
        write_standin(name, folder)
    return folder


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A folder for encoded texts."""
    return tmp_path_factory.mktemp("texts")


@pytest.fixture(scope="session")
def real_data():
    """The folder of published files that UHN_DATA names."""
    if "UHN_DATA" not in os.environ:
        pytest.skip("set UHN_DATA to the folder of the real data sets")
    return Path(os.environ["UHN_DATA"])
