"""Half precision stays near float32: what autocast rounds, and whole runs on a CPU and on a GPU."""

from dataclasses import replace

import pytest
import torch
from tiny_runs import journal, tiny_run, train, train_and_evaluate

from uhn.runs.folder import read_record
from uhn.training.precision import autocast, make_scaler

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("setting", "variant"),
    [
        ("mnist_cnn8", "uhn"),
        ("cifar10_cnn20", "ha"),
        ("agnews_transformer2l", "uhn"),
        ("cora_gcn", "uhn"),
        ("pubmed_gat", "direct"),
        ("kan_kv", "uhn"),
        ("recursion_k1", "uhn"),
    ],
)
def test_bfloat16_on_a_cpu_begins_like_float32(at_home, tmp_path, setting, variant):
    """bfloat16 has 8 significant bits: losses of equal weights differ by a few parts in a thousand."""
    config = tiny_run(setting, variant, steps=3, init=2)
    curves = {}
    for precision in ("float32", "bfloat16"):
        run = replace(config, precision={"cpu": precision, "cuda": precision})
        train_and_evaluate(run, tmp_path / precision)
        assert read_record(tmp_path / precision / "run.json", "run")["precision"] == precision
        curves[precision] = [entry["loss"] for entry in journal(tmp_path / precision)]
    full, half = curves.values()
    assert half == pytest.approx(full, rel=0.05)
    assert half != full


def generate_as_on_a_gpu(monkeypatch):
    """Generate through plain modules, which a CPU otherwise does for small tensors alone."""
    monkeypatch.setattr("uhn.hypernetworks.evaluation.network.FUSED_ROWS", 10**9)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize(
    ("setting", "variant"),
    [
        ("mnist_cnn8", "uhn"),
        ("cifar10_cnn20", "ha"),
        ("cifar10_cnn20", "chunked"),
        ("imdb_transformer1l", "uhn"),
        ("citeseer_gat", "uhn"),
        ("kan_kv", "uhn"),
        ("transformer_mixed", "uhn"),
        ("recursion_k1", "uhn"),
    ],
)
def test_generation_in_half_precision_begins_like_float32(at_home, tmp_path, monkeypatch, setting, variant, precision):
    """The arithmetic of a GPU with the loss scaler, on a CPU. Overflows may skip steps, so only beginnings compare."""
    generate_as_on_a_gpu(monkeypatch)
    config = tiny_run(setting, variant, steps=3, init=2)
    curves = {}
    for name in ("float32", precision):
        train(replace(config, precision={"cpu": name}), tmp_path / name)
        curves[name] = journal(tmp_path / name)
    full, half = curves.values()
    assert all(entry["loss"] is not None for entry in half)
    assert half[0]["loss"] == pytest.approx(full[0]["loss"], rel=0.1)
    assert [entry["loss"] for entry in half] != [entry["loss"] for entry in full]


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_products_are_rounded_and_nothing_else(precision):
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[precision]
    x = torch.ones(2, 2)
    with autocast(precision, CPU):
        assert (x @ x).dtype == dtype
        assert (x + x).dtype == torch.float32
    assert (x @ x).dtype == torch.float32


@pytest.mark.parametrize(("precision", "on"), [("float32", False), ("bfloat16", False), ("float16", True)])
def test_only_float16_scales_losses(precision, on):
    scaler = make_scaler(precision, CPU)
    assert scaler.is_enabled() == on
    if on:
        assert (scaler.get_scale(), scaler.get_growth_factor(), scaler.get_backoff_factor()) == (65_536, 2, 0.5)
        assert scaler.get_growth_interval() == 2000


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize(
    ("setting", "variant"),
    [
        ("cifar10_cnn20", "uhn"),
        ("cifar10_cnn20", "ha"),
        ("cifar10_cnn20", "chunked"),
        ("agnews_transformer2l", "direct"),
        ("cora_gcn", "uhn"),
        ("pubmed_gat", "uhn"),
        ("kan_kv", "uhn"),
        ("cnn_mixed_width", "uhn"),
        ("multi_task", "uhn"),
        ("recursion_k1", "uhn"),
    ],
)
def test_runs_on_a_gpu_begin_like_on_the_cpu(at_home, tmp_path, setting, variant, precision):
    """Without dropout and augmentation, whose draws differ by device, in the initialisation and the first step."""
    config = replace(tiny_run(setting, variant, steps=3, init=2), precision={"cpu": "float32", "cuda": precision})
    train(config, tmp_path / "cpu")
    result = train_and_evaluate(config, tmp_path / "cuda", device="cuda")
    assert (result["status"], result["cost"]["device"]) == ("completed", "cuda")
    assert read_record(tmp_path / "cuda/run.json", "run")["precision"] == precision
    expected, found = ([entry["loss"] for entry in journal(tmp_path / name)] for name in ("cpu", "cuda"))
    assert len(found) == len(expected)
    assert found[0] == pytest.approx(expected[0], rel=0.02 if precision == "float32" else 0.1)


@pytest.mark.gpu
@pytest.mark.parametrize("setting", ["mnist_cnn8", "cora_gcn"])
def test_a_run_on_a_gpu_resumes_exactly(at_home, tmp_path, monkeypatch, setting):
    from tiny_runs import interrupt_after, weights

    from uhn.training.signals import Interrupted

    config = tiny_run(setting, "uhn", steps=6, init=3)
    train(config, tmp_path / "whole", device="cuda")
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt_after(patch, 5)
        train(config, tmp_path / "parts", device="cuda")
    train(config, tmp_path / "parts", device="cuda", resume=True)
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
    assert journal(tmp_path / "parts") == journal(tmp_path / "whole")
