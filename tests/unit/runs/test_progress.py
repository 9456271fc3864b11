"""A run in progress is seen from outside."""

import pytest
from tiny_runs import interrupt_after, tiny_run, train

from uhn.runs.progress import runs_in_progress
from uhn.training.signals import Interrupted


def test_a_run_that_was_stopped(at_home, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt_after(patch, 5)
        train(tiny_run("kan_kv", steps=6, init=3), tmp_path / "out")
    (run,) = runs_in_progress(tmp_path / "scratch_out")
    assert (run.phase, run.step, run.steps, run.running) == ("train", 2, 6, False)
    train(tiny_run("kan_kv", steps=6, init=3), tmp_path / "out", resume=True)
    assert runs_in_progress(tmp_path / "scratch_out") == []
