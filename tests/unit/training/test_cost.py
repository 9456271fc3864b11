"""Steps and cost of runs against counts by hand."""

import pytest

from uhn.configuration.resolve import load_experiment, resolve
from uhn.training.cost import StepSeconds, combine_tasks, mean_member, run_core_hours, run_steps, steps_per_unit


def paper(setting, variant="uhn", scale="paper"):
    return resolve(load_experiment(setting), variant, 21962, scale)


@pytest.mark.parametrize(
    ("setting", "steps"),
    [
        ("mnist_mlp", 235),  # 60,000 / 256
        ("cifar10_cnn20", 196),  # 50,000 / 256
        ("agnews_transformer2l", 469),  # 120,000 / 256
        ("imdb_transformer1l", 98),  # 25,000 / 256
        ("cora_gcn", 1),
        ("kan_kv", 1),
        ("multi_task", 1),
    ],
)
def test_steps_of_an_epoch(setting, steps):
    assert steps_per_unit(paper(setting)) == steps


@pytest.mark.parametrize(("setting", "steps"), [("mnist_mlp", 8), ("agnews_transformer2l", 10), ("cora_gcn", 1)])
def test_an_epoch_on_stand_ins_is_shorter(setting, steps):
    """512 images and 600 texts in batches of 64."""
    assert steps_per_unit(paper(setting, scale="demo")) == steps


def test_steps_of_a_run_are_those_of_both_phases():
    assert run_steps(paper("mnist_mlp")) == 100 + 100 * 235
    assert run_steps(paper("mnist_mlp", "direct")) == 200 * 235
    assert run_steps(paper("recursion_k1")) == 4000 + 30_000


def test_a_run_costs_the_steps_of_each_phase_times_their_seconds():
    assert run_core_hours(paper("mnist_mlp"), StepSeconds(train=0.5, init=0.25)) == pytest.approx(
        (100 * 0.25 + 23_500 * 0.5) / 3600
    )
    assert run_core_hours(paper("mnist_mlp", "direct"), StepSeconds(0.125)) == pytest.approx(47_000 * 0.125 / 3600)


# Probabilities of Table 4, in the order mnist, cifar10, cora, pubmed, ag_news, kv
SECONDS = [StepSeconds(train, train / 2) for train in (1.0, 4.0, 2.0, 1.0, 6.0, 0.5)]
WEIGHTED = 0.08 * 1 + 0.55 * 4 + 0.04 * 2 + 0.04 * 1 + 0.18 * 6 + 0.11 * 0.5


def test_a_mixture_weighs_its_tasks_by_their_probability():
    mean = combine_tasks(paper("multi_task"), SECONDS)
    assert (mean.train, mean.init) == (pytest.approx(WEIGHTED), pytest.approx(WEIGHTED / 2))


def test_a_step_of_gradient_surgery_works_on_every_task_but_its_initialisation_on_one():
    mean = combine_tasks(paper("multi_task", "uhn_pcgrad"), SECONDS)
    assert (mean.train, mean.init) == (pytest.approx(14.5), pytest.approx(WEIGHTED / 2))


def test_a_family_costs_its_sampled_seconds_per_scalar_times_its_mean_scalars():
    """Members of 100 and 300 scalars take 1 s and 3 s; the mean of all has 250."""
    sample = [(100, StepSeconds(1.0, 0.5)), (300, StepSeconds(3.0, 1.5))]
    assert mean_member(sample, 250) == StepSeconds(pytest.approx(2.5), pytest.approx(1.25))
