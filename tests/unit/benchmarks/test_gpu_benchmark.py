"""The benchmark of a GPU, on a pretended one and with samples made up."""

import pytest
import torch
from cli_process import uhn

from uhn.benchmarks import gpu
from uhn.benchmarks.gpu_variants import VARIANTS
from uhn.benchmarks.gpu_worker import WARMUP, measure, time_steps
from uhn.errors import UserError

COMPILING = {"compiled", "graphs"}


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize("variant", [name for name in VARIANTS if name not in COMPILING])
@pytest.mark.parametrize("target", ["kan_kv", "cora_gcn"])
def test_a_worker(pretend_gpu, monkeypatch, target, variant, precision):
    """Both kinds of step run there, and do the work that is known: 4 N 2F d for features, 6 N (2 b d^2 + d) behind."""
    monkeypatch.setattr("uhn.benchmarks.gpu_worker.generator_config", small_generator)
    monkeypatch.setattr("uhn.benchmarks.gpu_worker.PRODUCT_SIZE", 64)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 0)
    found = measure(target, variant, precision, 0.0, pretend_gpu.device)
    assert all(t > 0 for key in ("generator_s", "training_s") for t in found[key]) and found["first_step_s"] > 0
    n, f, d = (found[key] for key in ("num_scalars", "frequencies", "hidden_dim"))
    if variant in ("released", "kept"):
        assert found["flop"] == 4 * n * 2 * f * d + 6 * n * (4 * d * d + d)


def small_generator(target):
    from uhn.benchmarks.workload import generator_config

    return generator_config(target, frequencies=16, hidden_dim=8)


def test_blocks_are_timed_between_waits():
    """The first step, the other warm-up steps, then blocks that end with a wait."""
    order = []
    first, blocks = time_steps(lambda: order.append("step"), lambda: order.append("wait"), 0.0)
    assert len(blocks) == 1 and first > 0
    assert order[:3] == ["wait", "step", "wait"]
    assert order[3 : 5 + WARMUP - 1] == ["wait", *["step"] * (WARMUP - 1), "wait"]
    assert (order[-1], order.count("wait")) == ("wait", 6)


def sample(generator_s, training_s, peak_bytes=100):
    return {
        **dict.fromkeys(("num_scalars", "frequencies", "hidden_dim"), 10),
        "first_step_s": 1.0,
        "flop": 4e9,
        "product_flop_per_s": 1e12,
        "generator_s": [generator_s],
        "training_s": [training_s],
        "peak_bytes": peak_bytes,
    }


def test_ratios_are_formed_in_a_round():
    samples = {
        ("t", "released"): [sample(0.08, 0.10, 400), sample(0.16, 0.2, 400)],
        ("t", "auto"): [sample(0.02, 0.05), sample(0.02, 0.05)],
    }
    released, auto = gpu.compare_gpu(samples)
    assert (released["generator_speedup"], released["training_speedup"]) == (1, 1)
    assert (auto["generator_speedup_min"], auto["generator_speedup"], auto["generator_speedup_max"]) == (4, 6, 8)
    assert (auto["training_speedup"], auto["share_of_peak_bytes"]) == (3, 0.25)
    assert auto["share_of_product_peak"] == pytest.approx(4e9 / 0.02 / 1e12)


def test_what_fails_is_left_out_and_named(monkeypatch):
    def child(module, arguments):
        if arguments[1] == "graphs":
            raise UserError("no compiler")
        return sample(0.1, 0.1)

    monkeypatch.setattr(gpu, "run_child", child)
    samples, failed = gpu.run_gpu_rounds(["t"], ["released", "graphs"], 2, 0.0)
    assert (list(samples), len(samples["t", "released"])) == ([("t", "released")], 2)
    machine = {"commit": "c", "dirty": False, "cpu": "c", "cores": 1, "platform": "p", "python": "3", "torch": "2"}
    text = gpu.gpu_markdown(gpu.compare_gpu(samples), failed, machine | {"gpu": "H", "device": "cuda"}, "float16")
    assert "`graphs` is missing: no compiler" in text and "GPU: H." in text


def test_nothing_is_compared_without_the_release(monkeypatch):
    def child(module, arguments):
        raise UserError("out of memory")

    monkeypatch.setattr(gpu, "run_child", child)
    with pytest.raises(UserError, match="out of memory"):
        gpu.run_gpu_rounds(["t"], ["released", "auto"], 1, 0.0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_the_command_names_what_is_missing(tmp_path):
    done = uhn("bench", "gpu", "--targets", "kan_kv", cwd=tmp_path)
    assert done.returncode != 0 and "no usable CUDA device" in done.stderr
    done = uhn("bench", "gpu", "--precision", "half", cwd=tmp_path)
    assert done.returncode != 0 and "invalid choice: 'half'" in done.stderr
    done = uhn("bench", "step", "--precision", "float16", cwd=tmp_path)
    assert done.returncode != 0 and "remove --precision" in done.stderr


@pytest.mark.gpu
def test_the_command(tmp_path):
    done = uhn("bench", "gpu", "--quick", "--targets", "kan_kv", "--variants", "released", "auto", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "## kan_kv" in (tmp_path / "results/bench/gpu.md").read_text()
