"""Workers on this machine and on a pretended GPU, and the command."""

import csv
import json
from dataclasses import asdict

import pytest
import torch
from cli_process import uhn

from uhn.benchmarks import worker
from uhn.benchmarks.cases import Case
from uhn.benchmarks.driver import run_child
from uhn.benchmarks.routes import ROUTES
from uhn.benchmarks.worker import measure, time_steps

GPU_ROUTES = [name for name, route in ROUTES.items() if "cuda" in route.devices and name not in ("compiled", "graphs")]


def test_worker():
    case = Case("kan_kv", "auto", "training", warmup=1)
    found = run_child("uhn.benchmarks.worker", [json.dumps(asdict(case)), "0"])
    assert (found["num_scalars"], found["frequencies"], found["hidden_dim"]) == (254, 2048, 128)
    assert len(found["cpu_s"]) == len(found["wall_s"]) == len(found["generator_s"]) == 1 <= found["steps"]
    assert 0 < found["generator_s"][0] <= found["cpu_s"][0] and found["first_step_s"] > 0
    assert 50 << 20 < found["base_bytes"] < found["peak_bytes"] < 8 << 30
    assert found["flop"] == 4 * 254 * 4096 * 128 + 6 * 254 * (4 * 128 * 128 + 128)


def test_rows_left_out_are_made_up_for():
    """Times and memory of generation count as often as rows were left out."""
    case = Case("kan_kv", "released", "training", every=3, frequencies=16, hidden_dim=8, warmup=0)
    found = measure(case, 0.0, torch.device("cpu"))
    assert (found["num_scalars"], found["steps"]) == (254, 1)
    assert 0 < found["generator_s"][0] < found["cpu_s"][0]
    assert found["flop"] == 4 * 254 * 32 * 8 + 6 * 254 * (4 * 8 * 8 + 8)


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize("route", GPU_ROUTES)
@pytest.mark.parametrize("target", ["kan_kv", "cora_gcn"])
@pytest.mark.parametrize("step", ["generator", "training"])
def test_a_worker_of_a_gpu(pretend_gpu, monkeypatch, step, target, route, precision):
    """Both kinds of step do the work that is known there: 4 N 2F d for features, 6 N (2 b d^2 + d) behind."""
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 12)
    monkeypatch.setattr(worker, "BLOCK_SECONDS", 0.0)
    case = Case(target, route, step, "cuda", precision, frequencies=16, hidden_dim=8, warmup=1)
    found = measure(case, 0.0, pretend_gpu.device)
    assert found["wall_s"][0] > 0 and found["first_step_s"] > 0
    assert (found["base_bytes"], found["peak_bytes"]) == (0, 12)
    assert found.get("generator_s") == (found["wall_s"] if step == "generator" else None)
    n, f, d = (found[key] for key in ("num_scalars", "frequencies", "hidden_dim"))
    if route in ("released", "kept"):
        assert found["flop"] == 4 * n * 2 * f * d + 6 * n * (4 * d * d + d)


def test_blocks_are_timed_between_waits(monkeypatch):
    """Warm-up steps one by one, then blocks that begin and end with a wait."""
    order = []
    clock = iter(range(1000))  # every look takes a second
    monkeypatch.setattr(worker.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(worker, "BLOCK_SECONDS", 3.0)
    warm, blocks, steps = time_steps(lambda: order.append("step") or 0.25, lambda: order.append("wait"), 2, 3.0)
    assert (len(warm), steps) == (2, 3)
    assert {(times.wall, times.generator) for times in warm} == {(1, 0.25)}
    assert order == 2 * ["wait", "step", "wait"] + len(blocks) * ["wait", *3 * ["step"], "wait"]
    assert {(times.wall, times.generator) for times in blocks} == {(1 / 3, 0.25)}
    assert len(blocks) == 1  # a block and the looks around it take three seconds


@pytest.mark.slow
def test_command_writes_tables_and_figure(tmp_path):
    arguments = ("--targets", "kan_kv", "--rounds", "1", "--routes", "released", "auto", "--quick", "--out", "out")
    done = uhn("bench", "generator", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = ["generator.csv", "generator.md", "generator.pdf", "generator.png"]
    assert done.stdout.split() == [f"out/{name}" for name in names]
    assert all((tmp_path / "out" / name).stat().st_size > 500 for name in names)
    with open(tmp_path / "out" / "generator.csv") as file:
        rows = list(csv.DictReader(file))
    assert [(row["route"], row["allocator"]) for row in rows] == [
        ("released", "default"),
        ("released", "tuned"),
        ("auto", "default"),
    ]
    text = (tmp_path / "out" / "generator.md").read_text()
    assert "## kan_kv" in text and "1 thread" in text and "rounds: 1" in text


@pytest.mark.gpu
def test_the_command_on_a_gpu(tmp_path):
    done = uhn("bench", "gpu", "--quick", "--targets", "kan_kv", "--routes", "released", "auto", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "## kan_kv, training step" in (tmp_path / "results/bench/gpu.md").read_text()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_the_command_names_what_is_missing(tmp_path):
    done = uhn("bench", "gpu", "--targets", "kan_kv", cwd=tmp_path)
    assert done.returncode != 0 and "no usable CUDA device" in done.stderr
    done = uhn("bench", "gpu", "--precision", "half", cwd=tmp_path)
    assert done.returncode != 0 and "invalid choice: 'half'" in done.stderr
    done = uhn("bench", "step", "--precision", "float16", cwd=tmp_path)
    assert done.returncode != 0 and "remove --precision" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("generator", "--targets", "kan_kw"), "unknown model 'kan_kw'; did you mean"),
        (("generator", "--rounds", "0"), "expected at least 1 round, got 0"),
        (("scaling", "--targets", "kan_kv"), "remove --targets"),
    ],
)
def test_one_line_mistakes(tmp_path, arguments, message):
    done = uhn("bench", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("uhn: error: ") and message in line
