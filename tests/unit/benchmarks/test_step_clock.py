"""Measured steps with a clock that the steps themselves turn, and steps of every kind of task on random data."""

import pytest
import torch

from uhn.benchmarks import step_clock
from uhn.benchmarks.step_clock import time_phases, time_steps
from uhn.benchmarks.synthetic_tasks import make_task
from uhn.configuration.resolve import load_experiment, resolve


class Clock:
    """Each step advances it by the next of some seconds."""

    def __init__(self, *steps):
        self.now = 100.0
        self.steps = list(steps)

    def step(self):
        self.now += self.steps.pop(0)

    def __call__(self):
        return self.now


def test_steps_are_taken_until_the_budget_is_spent_and_the_fastest_counts():
    clock = Clock(3.0, 2.0, 9.0, 50.0)
    assert time_steps(clock.step, 12.5, clock) == 2.0
    assert clock.steps == [50.0]


def test_one_long_step_is_enough():
    clock = Clock(7.0, 50.0)
    assert time_steps(clock.step, 0.1, clock) == 7.0


def demo(setting, variant="uhn"):
    return resolve(load_experiment(setting), variant, 21962, "demo")


@pytest.mark.parametrize(
    ("setting", "variant", "phases"),
    [
        ("kan_kv", "uhn", ("train", "init")),
        ("cora_gcn", "direct", ("train",)),
        ("cifar10_cnn20", "ha", ("train",)),
        ("cifar10_cnn20", "chunked", ("train",)),
        ("agnews_transformer2l", "uhn", ("train", "init")),
        ("recursion_k1", "uhn", ("train", "init")),
    ],
)
def test_every_kind_of_run_has_steps_to_measure(monkeypatch, setting, variant, phases):
    """Without stand-ins on disk. Each level of a chain is initialised, and a first step is not counted."""
    taken = []
    monkeypatch.setattr(step_clock, "take_step", lambda phase, *rest: taken.append(phase.name) or real(phase, *rest))
    monkeypatch.setattr(step_clock, "time_steps", lambda step: step() and 2.0)
    config = demo(setting, variant)
    assert time_phases(config, config.tasks[0], phases, 4 if config.tasks[0].batch_size else 1) == dict.fromkeys(
        phases, 2.0
    )
    inits = ["init_0", "init_1"] if config.depth else ["init"]
    assert taken == ["train", "train", *(inits if "init" in phases else [])]


real = step_clock.take_step


@pytest.mark.parametrize(
    ("setting", "shape"),
    [
        ("mnist_mlp", (256, 1, 28, 28)),
        ("cifar10_cnn20", (256, 3, 32, 32)),
        ("cora_gcn", (2708, 1433)),
        ("kan_kv", (1000, 2)),
        ("agnews_transformer2l", (256, 128)),
    ],
)
def test_batches_have_the_sizes_of_the_published_data(setting, shape):
    config = resolve(load_experiment(setting), "uhn", 21962, "paper")
    inputs = make_task(config, config.tasks[0]).next_batch().inputs
    assert tuple(inputs[0].shape) == shape


def test_part_of_a_batch_of_texts_reads_about_as_many_words():
    config = resolve(load_experiment("agnews_transformer2l"), "uhn", 21962, "paper")
    batches = [make_task(config, config.tasks[0], parts).next_batch().inputs[0] for parts in (1, 4)]
    words = [len(torch.unique(ids)) for ids in batches]
    assert len(batches[1]) == 64
    assert 0.9 < words[1] / words[0] < 1.1
