"""An interrupted and resumed run of any kind ends with the bytes of an uninterrupted one."""

from dataclasses import replace

import pytest
from tiny_runs import interrupt_after, journal, tiny_run, train, train_and_evaluate, weights

from uhn.training.signals import Interrupted

# setting, variant, steps of training and of (each level's) initialisation, where to stop
RUNS = {
    # 6 batches a pass: within the first pass, at its end and in the second; augmentation
    "images": ("cifar10_cnn20", "direct", 9, 0, (4, 6, 7)),
    "images, initialised": ("mnist_mlp", "uhn", 4, 3, (2, 3, 5)),
    "texts": ("agnews_transformer2l", "uhn", 8, 0, (3, 7)),  # dropout
    "graph": ("cora_gcn", "uhn", 5, 2, (4,)),  # dropout
    "attention graph": ("pubmed_gat", "direct", 4, 0, (2,)),
    "family": ("cnn_mixed_width", "uhn", 9, 4, (3, 8)),  # 6 models a pass
    "mixture": ("multi_task", "uhn", 12, 4, (2, 9)),
    "mixture, gradients combined": ("multi_task", "uhn_pcgrad", 5, 2, (1, 5)),
    "chain": ("recursion_k1", "uhn", 4, 3, (2, 5, 8)),  # in either level, in training
    "kernel embeddings": ("cifar10_cnn20", "ha", 4, 0, (2,)),
    "chunks": ("cifar10_cnn20", "chunked", 4, 0, (2,)),
}


@pytest.mark.parametrize("name", RUNS)
def test_resumed_equals_uninterrupted(at_home, tmp_path, monkeypatch, name):
    setting, variant, steps, init, stops = RUNS[name]
    config = tiny_run(setting, variant, steps=steps, init=init)
    expected = train_and_evaluate(config, tmp_path / "whole")["metrics"]
    for stop in stops:
        out = tmp_path / f"stopped_{stop}"
        with monkeypatch.context() as patch, pytest.raises(Interrupted):
            interrupt_after(patch, stop)
            train(config, out)
        assert not (out / "training.json").exists()
        metrics = train_and_evaluate(config, out, resume=True)["metrics"]
        assert weights(out) == weights(tmp_path / "whole")
        assert journal(out) == journal(tmp_path / "whole")
        assert metrics == expected


def test_a_run_interrupted_at_every_step_is_the_same_run(at_home, tmp_path, monkeypatch):
    config = tiny_run("cora_gat", "uhn", steps=4, init=2)
    train(config, tmp_path / "whole")
    for _ in range(5):
        with monkeypatch.context() as patch, pytest.raises(Interrupted):
            interrupt_after(patch, 1)
            train(config, tmp_path / "parts", resume=True)
    train(config, tmp_path / "parts", resume=True)
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
    assert journal(tmp_path / "parts") == journal(tmp_path / "whole")


def test_epoch_means_survive_an_interruption(at_home, tmp_path, monkeypatch):
    config = tiny_run("mnist_mlp", "direct", steps=2)
    config = replace(config, train=replace(config.train, unit="epochs", warmup=0))
    train(config, tmp_path / "whole")
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt_after(patch, 9)
        train(config, tmp_path / "parts")
    train(config, tmp_path / "parts", resume=True)
    assert journal(tmp_path / "parts") == journal(tmp_path / "whole")
    assert sum("epoch_loss" in entry for entry in journal(tmp_path / "parts")) == 2


def test_a_long_schedule_in_steps_is_logged_with_the_mean_loss_of_its_parts(at_home, tmp_path, monkeypatch):
    """100 steps are 50 parts of 2; stopped in the middle of one, a run goes on with its sum."""
    config = tiny_run("cora_gcn", "direct", steps=100)
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt_after(patch, 51)
        train(config, tmp_path / "out")
    train(config, tmp_path / "out", resume=True)
    entries = journal(tmp_path / "out")
    losses = {entry["step"]: entry["loss"] for entry in entries if "loss" in entry}
    parts = [entry for entry in entries if "mean_loss" in entry]
    assert [part["step"] for part in parts] == list(range(1, 100, 2))
    for part in parts:
        own = [losses[part["step"] - 1], losses[part["step"]]]
        assert part["mean_loss"] == pytest.approx(sum(own) / 2, rel=1e-6)


def test_a_changed_configuration_does_not_resume(at_home, tmp_path, monkeypatch):
    """Its working folder is another; the old checkpoint stays where it is."""
    config = tiny_run("mnist_mlp", "direct", steps=4)
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt_after(patch, 2)
        train(config, tmp_path / "out")
    other = replace(config, train=replace(config.train, lr=2 * config.train.lr))
    train(other, tmp_path / "out", resume=True)
    train(other, tmp_path / "fresh")
    assert weights(tmp_path / "out") == weights(tmp_path / "fresh")
    assert len(list((tmp_path / "scratch_out/runs").iterdir())) == 1
