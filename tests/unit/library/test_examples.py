"""The examples run, here with few steps on stand-in images. Their real outcomes stand in docs/library.md."""

import re
import runpy
import sys

import pytest
from cli_process import REPOSITORY

from uhn.data.standin import write_standin

EXAMPLES = REPOSITORY / "examples"


@pytest.fixture
def run_example(tmp_path, monkeypatch, capsys):
    """A function name, steps -> what the example prints, on a stand-in of MNIST."""
    write_standin("mnist", tmp_path)
    monkeypatch.syspath_prepend(EXAMPLES)

    def run(name, steps):
        monkeypatch.setattr(sys, "argv", [name, str(tmp_path), str(steps)])
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        return capsys.readouterr().out

    return run


def test_own_model_runs_beside_direct_training(run_example):
    printed = run_example("own_model.py", 5)
    found = re.fullmatch(r"UHN: (\S+)\ndirect training: (\S+)\n", printed)
    assert all(0 <= float(accuracy) <= 1 for accuracy in found.groups())


def test_own_family_reports_ten_widths_of_which_two_are_unseen(run_example):
    lines = run_example("own_family.py", 8).splitlines()
    assert [int(line.split()[1].rstrip(":")) for line in lines] == list(range(8, 18))
    assert [line.split()[1] for line in lines if line.endswith("(never seen)")] == ["11:", "14:"]
    assert all(0 <= float(line.split()[2]) <= 1 for line in lines)


def test_the_example_to_copy_stays_short():
    assert len((EXAMPLES / "own_model.py").read_text().splitlines()) <= 40
