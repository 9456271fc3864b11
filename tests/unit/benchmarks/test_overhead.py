"""What a run and Snakemake cost beside training steps."""

import time
from collections import Counter
from types import SimpleNamespace

import pytest
from cli_process import uhn

from uhn.benchmarks import overhead
from uhn.benchmarks.driver import run_child
from uhn.benchmarks.job import split_parts, time_calls
from uhn.errors import UserError

MACHINE = {
    "cpu": "C",
    "cores": 2,
    "platform": "p",
    "python": "3",
    "torch": "2",
    "commit": "abc",
    "dirty": False,
    "gpu": None,
}
SNAKEMAKE = {"start_wall_s": 2.0, "job_wall_s": 0.25, "job_cpu_s": 0.2, "dag_jobs": 451, "dag_wall_s": 8.0}


def test_parts_add_up():
    nested = Counter(imports=1, training=10, steps=6, logging=2, checkpoints=0.5, publishing=0.25, evaluation=3)
    parts = split_parts(nested)
    assert parts == {
        "imports": 1,
        "setup": 3.25,
        "steps": 4,
        "logging": 2,
        "checkpoints": 0.5,
        "publishing": 0.25,
        "evaluation": 3,
    }
    assert sum(parts.values()) == nested["imports"] + nested["training"] + nested["evaluation"]


def test_time_calls():
    """Also of a call that fails."""
    owner = SimpleNamespace(work=lambda pause, fail=False: time.sleep(pause) or (1 / 0 if fail else pause))
    seconds = Counter()
    time_calls(owner, "work", seconds, "part")
    assert owner.work(0.02) == 0.02
    with pytest.raises(ZeroDivisionError):
        owner.work(0.03, fail=True)
    assert seconds["part"] >= 0.05


def test_a_whole_run_in_parts():
    start = time.perf_counter()
    parts = run_child("uhn.benchmarks.job", ["kan_kv", "direct", "demo"])
    assert all(seconds > 0 for seconds in parts.values())
    assert sum(parts.values()) - parts["imports"] < time.perf_counter() - start


def test_shares(monkeypatch):
    parts = {"imports": 2.0, "setup": 1.0, "steps": 90.0, "logging": 1.0, "checkpoints": 2.0}
    parts |= {"publishing": 3.0, "evaluation": 4.0}
    monkeypatch.setattr(overhead, "run_child", lambda module, arguments: parts)
    (row,) = overhead.measure_runs([("kan_kv", "uhn", "paper")])
    assert row["side_share"] == pytest.approx(0.1)
    text = overhead.overhead_markdown([row], SNAKEMAKE, MACHINE)
    assert "| `kan_kv/uhn` | paper | 2 | 1 | 90 | 1 | 2 | 3 | 4 | 10.0% |" in text
    assert "takes 0.250 s (0.200 CPU s" in text and "451 jobs" in text


@pytest.mark.slow
def test_snakemake():
    found = overhead.measure_snakemake()
    assert 0 < found["job_wall_s"] < found["start_wall_s"]
    assert found["dag_wall_s"] > 0


def test_a_failing_snakemake():
    with pytest.raises(UserError, match=r"overhead: snakemake failed: .*no_such_target"):
        overhead._snakemake("no_such_target", "--dry-run")


@pytest.mark.parametrize("option", [("--targets", "kan_kv"), ("--rounds", "2")])
def test_there_is_no_choice(option, tmp_path):
    done = uhn("bench", "overhead", *option, cwd=tmp_path)
    assert done.returncode == 2
    assert f"remove {option[0]}" in done.stderr
