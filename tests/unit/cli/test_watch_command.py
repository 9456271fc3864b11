"""`uhn watch` over folders as training writes them."""

import fcntl
import json

import pytest

from uhn.cli import main
from uhn.runs.progress import runs_in_progress


@pytest.fixture
def begin(tmp_path):
    """Write the working folder of a run: 20 steps of initialisation, 100 of training."""

    def write(name, *entries, seed=1, tail=b""):
        folder = tmp_path / "scratch/runs" / name
        folder.mkdir(parents=True)
        run = {
            "setting": "kan_kv",
            "variant": "uhn",
            "seed": seed,
            "scale": "demo",
            "phases": {"init": 20, "train": 100},
        }
        (folder / "run.json").write_text(json.dumps(run))
        lines = [json.dumps(entry).encode() + b"\n" for entry in ({"run": "a" * 64}, *entries)]
        (folder / "metrics.jsonl").write_bytes(b"".join(lines) + tail)
        (folder / "lock").touch()
        return folder

    return write


def line(phase, step, elapsed, **more):
    return {"phase": phase, "step": step, "elapsed_s": elapsed, **more}


def test_steps_and_time_left(begin, tmp_path):
    """Half of the initialisation at 2 s a step; 40 training steps at (50 - 10) / 40 s."""
    begin("a", line("init", 9, 20.0, loss=0.5), seed=1)
    begin(
        "b",
        line("init", 19, 10.0, loss=0.1),
        line("train", 39, 50.0, loss=2.0),
        line("train", 39, 50.0, mean_loss=3),
        seed=2,
    )
    first, second = runs_in_progress(tmp_path / "scratch")
    assert (first.phase, first.step, first.steps, first.loss, first.left_s) == ("init", 10, 20, 0.5, 2.0 * 110)
    assert (second.phase, second.step, second.steps, second.loss, second.left_s) == ("train", 40, 100, 2.0, 60)
    assert (second.key, second.elapsed_s) == ("kan_kv/uhn/seed2 (demo)", 50.0)


def test_what_is_half_there(begin, tmp_path):
    begin("a", seed=1)
    begin("b", line("init", 9, 20.0, loss=None), seed=2, tail=b'{"phase": "tr')
    (begin("c", seed=3) / "metrics.jsonl").unlink()
    before, not_finite = runs_in_progress(tmp_path / "scratch")
    assert (before.phase, before.step, before.steps, before.left_s) == ("", 0, 120, None)
    assert (not_finite.step, not_finite.loss) == (10, None)


def test_a_held_run_is_running(begin, tmp_path):
    with open(begin("a") / "lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert [run.running for run in runs_in_progress(tmp_path / "scratch")] == [True]
    assert [run.running for run in runs_in_progress(tmp_path / "scratch")] == [False]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.jsonl", b"garbage\n"),
        ("metrics.jsonl", b'{"phase": "unknown", "step": 1, "elapsed_s": 1}\n'),
        ("metrics.jsonl", b"\xff\n"),
        ("run.json", b"[]"),
        ("run.json", b"{"),
        ("run.json", b'{"phases": 3, "setting": 1, "variant": 1, "seed": 1, "scale": 1}'),
    ],
)
def test_a_damaged_run_is_named_and_hides_no_other(begin, tmp_path, monkeypatch, capsys, name, content):
    begin("sound", line("init", 9, 20.0, loss=0.5))
    (begin("damaged", line("init", 9, 20.0), seed=2) / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    assert main(["watch", "--once"]) == 0
    _, sound, damaged = sorted(capsys.readouterr().out.splitlines(), key=lambda text: "damaged" in text)
    assert "kan_kv/uhn/seed1" in sound
    assert damaged.startswith("scratch/runs/damaged ") and "cannot be read" in damaged


def test_without_locks_the_runs_are_listed(begin, tmp_path, monkeypatch):
    def none(file, mode):
        raise OSError(38, "Function not implemented")

    begin("a", line("init", 9, 20.0, loss=0.5))
    monkeypatch.setattr(fcntl, "flock", none)
    monkeypatch.setattr(fcntl, "lockf", none)
    (run,) = runs_in_progress(tmp_path / "scratch")
    assert run.running is None and run.fault is None


def test_the_list(begin, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["watch"]) == 0
    assert capsys.readouterr().out == "no run is in progress\n"
    begin("a", line("init", 9, 20.0, loss=0.5))
    assert main(["watch"]) == 0
    heads, found = (text.split() for text in capsys.readouterr().out.splitlines())
    assert heads == ["run", "phase", "step", "loss", "elapsed", "left"]
    assert found == ["kan_kv/uhn/seed1", "(demo)", "init", "10", "/", "20", "0.5", "0:00:20", "0:03:40", "stopped"]
    assert main(["watch", "--every", "0"]) == 2
