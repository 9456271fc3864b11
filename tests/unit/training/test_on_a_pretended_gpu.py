"""Whole jobs on a pretended GPU: every kind of run is that of the CPU, and its steps wait for nothing."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from tiny_runs import journal, tiny_run, train

from uhn.files import read_json
from uhn.training import fit as fit_module
from uhn.training import runner
from uhn.training.evaluate import evaluate_run
from uhn.training.fit import Fit

# Every kind but the hash encoding: the backward pass of embedding_bag reads memory that is not there.
RUNS = [
    ("kan_kv", "uhn"),
    ("kan_kv", "direct"),
    ("mnist_mlp", "uhn"),
    ("cifar10_cnn20", "uhn"),
    ("cifar10_cnn20", "raw"),
    ("cifar10_cnn20", "positional"),
    ("cifar10_cnn20", "direct"),
    ("cifar10_cnn20", "ha"),
    ("cifar10_cnn20", "chunked"),
    ("cora_gcn", "uhn"),
    ("pubmed_gat", "uhn"),
    ("citeseer_gat", "direct"),
    ("agnews_transformer2l", "uhn"),
    ("agnews_transformer2l", "half_precision_phases"),
    ("imdb_transformer1l", "direct"),
    ("cnn_mixed_width", "uhn"),
    ("transformer_mixed", "uhn"),
    ("multi_task", "uhn"),
    ("multi_task", "uhn_pcgrad"),
    ("recursion_k1", "uhn"),
]


@pytest.fixture
def train_there(pretend_gpu, monkeypatch):
    """Train a run on the pretended GPU in a precision."""

    @contextmanager
    def acquire(name, lease_dir):
        yield torch.device("cpu") if name == "cpu" else pretend_gpu.device

    monkeypatch.setattr(runner, "acquire_device", acquire)

    def train_there(config, out, precision):
        train(replace(config, precision={"cpu": "float32", pretend_gpu.device.type: precision}), out, device="there")

    return train_there


@pytest.mark.parametrize(("setting", "variant"), RUNS)
def test_a_run_is_that_of_the_cpu(at_home, tmp_path, monkeypatch, train_there, pretend_gpu, setting, variant):
    """Generation takes a GPU's routes there, so float32 rounds differently.

    Without dropout, whose draws differ on graphs: their features are sparse on a CPU alone.
    """
    monkeypatch.setattr(torch.nn.functional, "dropout", lambda x, *_, **__: x)
    for layer in ("gcn", "gat"):
        monkeypatch.setattr(f"uhn.layers.{layer}.dropout", lambda x, *_: x)
    config = tiny_run(setting, variant, steps=4, init=2)
    train(config, tmp_path / "cpu")
    train_there(config, tmp_path / "gpu", "float32")
    expected, found = ([entry["loss"] for entry in journal(tmp_path / name)] for name in ("cpu", "gpu"))
    assert found == pytest.approx(expected, rel=2e-3)
    evaluate_run(tmp_path / "cpu")
    evaluate_run(tmp_path / "gpu", device=pretend_gpu.device)
    expected, found = (read_json(tmp_path / name / "result.json") for name in ("cpu", "gpu"))
    assert (expected["evaluated_on"], found["evaluated_on"]) == ("cpu", pretend_gpu.device.type)
    losses = [name for name in expected["metrics"] if name.endswith("loss")]
    assert losses and found["metrics"].keys() == expected["metrics"].keys()
    for name in losses:
        assert found["metrics"][name] == pytest.approx(expected["metrics"][name], rel=2e-3)


@pytest.mark.parametrize(("setting", "variant"), RUNS)
def test_autocast_begins_like_float32(at_home, tmp_path, train_there, setting, variant):
    """CUDA's rules for autocast. Overflows may skip steps, so only beginnings compare."""
    config = tiny_run(setting, variant, steps=3, init=1)
    train(config, tmp_path / "cpu")
    train_there(config, tmp_path / "gpu", "float16")
    expected, found = (journal(tmp_path / name) for name in ("cpu", "gpu"))
    assert all(entry["loss"] is not None for entry in found)
    assert found[0]["loss"] == pytest.approx(expected[0]["loss"], rel=0.02)


@pytest.mark.parametrize(("setting", "variant"), RUNS)
def test_steps_wait_for_nothing(at_home, tmp_path, monkeypatch, train_there, pretend_gpu, setting, variant):
    """Between two lines of the journal, once every target has come up."""
    monkeypatch.setattr(fit_module, "LOG_POINTS", 1)
    monkeypatch.setattr("uhn.training.phases.MEANS", 1)
    come_up, steps = 16, 24
    waits = {}

    def step(self):
        place = self.phases[self.progress.phase].name, self.progress.step + 1
        before = len(pretend_gpu.waits)
        original(self)
        waits[place] = pretend_gpu.waits[before:]

    original = Fit.step
    monkeypatch.setattr(Fit, "step", step)
    train_there(tiny_run(setting, variant, steps=steps, init=steps), tmp_path / "gpu", "float16")
    assert waits["train", 1] and waits["train", steps], "the first step prepares, and both are logged"
    quiet = {place: found for place, found in waits.items() if come_up < place[1] < steps}
    assert ("train", steps - 1) in quiet
    assert not any(quiet.values()), next(filter(None, quiet.values()))
