"""The digest of the sources covers what computes, and nothing of it is left out."""

import shutil

import pytest
from import_graph import read_graph

from uhn.paths import PACKAGE
from uhn.runs import provenance
from uhn.runs.provenance import NUMERIC_SOURCES, source_digest

GRAPH = read_graph(PACKAGE)


def test_whatever_computes_in_a_job_is_in_the_digest():
    """What training and evaluation execute of the package and uses a numeric library; metrics.py says what diverged."""
    executed = GRAPH.chains(lambda module: GRAPH.part(module) == "training")
    parts = {
        GRAPH.part(one.importer)
        for one in GRAPH.imports
        if one.importer in executed and one.target.split(".")[0] in ("torch", "numpy", "scipy")
    }
    assert {"training", "hypernetworks", "device", "seeding"} <= parts
    assert parts | {"metrics"} == {name.removesuffix(".py") for name in NUMERIC_SOURCES}


@pytest.fixture
def digest_of_a_copy(tmp_path, monkeypatch):
    """A function file, text -> the digest of a copy of the package in which the text is appended to the file."""

    def make(name, text):
        copy = tmp_path / name / "uhn"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
        with (copy / name).open("a") as file:
            file.write(text)
        monkeypatch.setattr(provenance, "PACKAGE", copy)
        return source_digest.__wrapped__()

    return make


def test_the_digest_is_one_of_contents_not_of_places(digest_of_a_copy):
    assert digest_of_a_copy("device.py", "") == source_digest()


@pytest.mark.parametrize("name", ["device.py", "metrics.py", "seeding.py", "training/tasks/images.py"])
def test_an_edit_of_what_decides_on_numbers_changes_the_digest(digest_of_a_copy, name):
    assert digest_of_a_copy(name, "\n# edited\n") != source_digest()


def test_an_edit_of_reporting_does_not(digest_of_a_copy):
    assert digest_of_a_copy("reporting/caption.py", "\n# edited\n") == source_digest()
