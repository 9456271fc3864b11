"""Workers and the command, as processes."""

import csv

import pytest
from cli_process import uhn

from uhn.benchmarks import driver
from uhn.benchmarks.cases import Case
from uhn.benchmarks.driver import child_environment, run_child
from uhn.benchmarks.workload import batch_loss, build_target
from uhn.errors import UserError

FEW = ("--steps", "2", "--seconds", "0")


def test_worker():
    found = run_child("uhn.benchmarks.worker", ["kan_kv", "auto", "--step", "training", *FEW])
    assert (found["num_scalars"], found["frequencies"], found["hidden_dim"]) == (254, 2048, 128)
    assert len(found["cpu_s"]) == len(found["wall_s"]) == 2
    assert all(0 < part <= whole for part, whole in zip(found["generator_cpu_s"], found["cpu_s"], strict=True))
    assert 50 << 20 < found["base_bytes"] < found["peak_bytes"] < 8 << 30
    assert found["flop"] == 4 * 254 * 4096 * 128 + 6 * 254 * (4 * 128 * 128 + 128)


def test_failing_worker():
    with pytest.raises(UserError, match=r"worker .nothing auto. failed: .*unknown model .nothing."):
        run_child("uhn.benchmarks.worker", ["nothing", "auto"])


@pytest.mark.parametrize(("failing_call", "kept"), [(2, None), (3, 1), (6, 2)])
def test_complete_rounds_survive_a_failing_worker(monkeypatch, capsys, failing_call, kept):
    calls = []

    def child(module, arguments, allocator):
        calls.append(arguments[1])
        if len(calls) == failing_call:
            raise UserError("killed")
        return {"call": len(calls)}

    monkeypatch.setattr(driver, "run_child", child)
    cases = [Case("t", "released"), Case("t", "auto")]
    if kept is None:
        with pytest.raises(UserError, match="killed"):
            driver.run_rounds(cases, 3, 0.0)
        return
    samples = driver.run_rounds(cases, 3, 0.0)
    assert [sample["call"] for sample in samples[cases[1]]] == [2, 4][:kept]
    assert calls[:4] == ["released", "auto", "released", "auto"][: len(calls)]
    assert f"keeping {kept} of 3 rounds" in capsys.readouterr().err


def test_the_default_environment_has_no_allocator_settings(monkeypatch):
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "0")
    assert "MALLOC_MMAP_MAX_" not in child_environment("default")
    assert child_environment("tuned")["THP_MEM_ALLOC_ENABLE"] == "1"


@pytest.mark.parametrize("name", ["mnist_mlp", "cora_gcn", "kan_ellipj"])
def test_synthetic_batches(name):
    target = build_target(name)
    loss = batch_loss(target)({key: value.detach().requires_grad_() for key, value in target.named_parameters()})
    assert loss.shape == () and loss.isfinite()


@pytest.mark.slow
def test_command_writes_tables_and_figure(tmp_path):
    arguments = ("--targets", "kan_kv", "--rounds", "1", "--variants", "released", "auto", "--quick", "--out", "out")
    done = uhn("bench", "generator", *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = ["generator.csv", "generator.md", "generator.pdf", "generator.png"]
    assert done.stdout.split() == [f"out/{name}" for name in names]
    assert all((tmp_path / "out" / name).stat().st_size > 500 for name in names)
    with open(tmp_path / "out" / "generator.csv") as file:
        rows = list(csv.DictReader(file))
    assert [(row["variant"], row["allocator"]) for row in rows] == [
        ("released", "default"),
        ("released", "tuned"),
        ("auto", "default"),
    ]
    text = (tmp_path / "out" / "generator.md").read_text()
    assert "## kan_kv" in text and "1 thread" in text and "rounds: 1" in text


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
