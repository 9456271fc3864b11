"""Runs of a few steps of every kind, on stand-in data, for the tests of training."""

import os
import signal
from dataclasses import replace

from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import TargetReduction
from uhn.runs.folder import read_record
from uhn.runs.journal import read_journal
from uhn.training.evaluate import evaluate_run
from uhn.training.fit import Fit
from uhn.training.runner import JobOptions, train_run

FAMILY_MEMBERS = 8


def tiny_run(setting, variant="uhn", *, steps=6, init=3, seed=21962, mode="final", **changes):
    """Return the configuration of a run with a small generator, ``init`` steps a level and ``steps`` of training."""
    config = resolve(load_experiment(setting), variant, seed, "demo", mode=mode)
    if config.method == "uhn":
        sizes = {"index_frequencies": 16, "hidden_dim": 8, "structure_frequencies": 4, "structure_heads": 2}
        config = replace(config, hypernetwork=replace(config.hypernetwork, **sizes))
    if config.init is not None:
        levels = len(config.init.lr)
        config = replace(config, init=replace(config.init, steps=init * levels, warmup_steps=0))
    train = replace(config.train, budget=steps, unit="steps", warmup=1)
    return replace(config, train=train, tasks=tuple(map(_smaller, config.tasks)), **changes)


def _smaller(task):
    """Shrink targets further; 512 images in batches of 100 leave a short last one."""
    members = task.reduction.members and FAMILY_MEMBERS
    reduction = TargetReduction(task.reduction.width_divisor, 2 if members else 6, members)
    return replace(task, reduction=reduction, batch_size=task.batch_size and 100)


def train(config, out, paper=None, **options):
    """Train a run; its checkpoints are beside its folder. ``paper`` is its configuration at paper scale."""
    train_run(config, out, JobOptions(**{"scratch": out.parent / f"scratch_{out.name}"} | options), paper)


def train_and_evaluate(config, out, paper=None, **options):
    """Train and evaluate a run and return its result."""
    train(config, out, paper, **options)
    evaluate_run(out)
    return read_record(out / "result.json", "result")


def journal(out):
    """Return the journal of a run without the times."""
    entries = read_journal(out / "metrics.jsonl")
    return [{key: value for key, value in entry.items() if key != "elapsed_s"} for entry in entries]


def weights(out):
    """Return the bytes of the trained generator."""
    return (out / "generator.safetensors").read_bytes()


def interrupt_after(monkeypatch, steps):
    """Send this process SIGTERM in the middle of a step, as a scheduler would."""
    taken = 0
    original = Fit.step

    def step(self):
        nonlocal taken
        taken += 1
        if taken == steps:
            os.kill(os.getpid(), signal.SIGTERM)
        original(self)

    monkeypatch.setattr(Fit, "step", step)
