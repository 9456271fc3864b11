"""What a sweep selects, as configurations of runs: candidates, final runs, runs that follow."""

from dataclasses import replace

import pytest

from uhn.configuration.resolve import load_experiment, resolve
from uhn.errors import UserError
from uhn.paths import config_dir
from uhn.sweeps.apply import resolve_tuned
from uhn.sweeps.grids import Hyperparameters
from uhn.sweeps.load import Follower, Tuning, load_sweep, load_tunings

from .test_published_sweeps import CHOSEN

TUNINGS = load_tunings("paper")


def chosen_by_the_paper(sweep):
    init_steps, init_lr, budget, lr = CHOSEN[sweep]
    return Hyperparameters(lr, budget, init_lr, init_steps)


def test_a_sweep_decides_on_every_run_of_the_paper():
    experiments = [load_experiment(path.stem) for path in (config_dir() / "experiments").glob("*.yaml")]
    assert set(TUNINGS) == {(e["setting"], variant) for e in experiments for variant in e["variants"]}


@pytest.mark.parametrize("pair", TUNINGS, ids="/".join)
def test_the_papers_choice_gives_the_published_run(pair):
    """Also of deeper chains, whose numbers are those of K = 1 rescaled, and of runs without initialisation."""
    experiment, tuning = load_experiment(pair[0]), TUNINGS[pair]
    tuned = resolve_tuned(experiment, pair[1], 7, "paper", None, tuning, chosen_by_the_paper(tuning.sweep.name))
    assert tuned == resolve(experiment, pair[1], 7, "paper")


def test_a_deeper_chain_is_rescaled():
    """K = 2 by hand: steps of a level stay, warm-up half of them as published, init lr / 5, 5, 10, train lr / 2."""
    chosen = Hyperparameters(1e-4, 15_000, 2e-4, 1000)
    config = resolve_tuned(
        load_experiment("recursion_k2"), "uhn", 7, "paper", None, TUNINGS["recursion_k2", "uhn"], chosen
    )
    assert (config.train.lr, config.train.budget) == (5e-5, 15_000)
    assert (config.init.steps, config.init.lr) == (1500, (4e-5, 4e-5, 2e-5))
    assert (config.init.clip_norm, config.train.clip_norm, config.init.warmup_steps) == (0.01, 0.01, 250)


def test_both_levels_of_a_chain_have_the_searched_init_lr():
    chosen = Hyperparameters(2e-5, 30_000, 5e-5, 2000)
    tuning = TUNINGS["recursion_k1", "uhn"]
    config = resolve_tuned(load_experiment("recursion_k1"), "uhn", 7, "paper", None, tuning, chosen, "tuning")
    assert (config.init.lr, config.init.steps, config.mode) == ((5e-5, 5e-5), 2000, "tuning")


@pytest.mark.parametrize("name", ["kan_kv", "cifar10_cnn20", "recursion_k1", "cnn_mixed_depth", "cifar10_cnn20_ha"])
def test_candidates_are_reduced_like_final_runs(name):
    sweep = load_sweep(name, "demo")
    experiment = load_experiment(sweep.setting)
    chosen = chosen_by_the_paper(name)
    config = resolve_tuned(experiment, sweep.variant, 7, "demo", None, Tuning(sweep), chosen, "tuning")
    published = resolve(experiment, sweep.variant, 7, "demo", mode="tuning")
    assert (config.hypernetwork, config.tasks, config.train.lr) == (
        published.hypernetwork,
        published.tasks,
        published.train.lr,
    )


def test_limits_of_a_scale_keep_candidates_apart():
    """Demo: at most 8 epochs and 50 initialisation steps; mnist_mlp searches 50 and 100 epochs, 50 and 200 steps."""
    sweep, experiment = load_sweep("mnist_mlp", "demo"), load_experiment("mnist_mlp")

    def lengths(budget, steps):
        chosen = Hyperparameters(1e-4, budget, 1e-4 if steps else 0.0, steps)
        config = resolve_tuned(experiment, "uhn", 7, "demo", None, Tuning(sweep), chosen)
        return config.train.budget, config.init.steps

    assert [lengths(100, 200), lengths(50, 50), lengths(100, 0)] == [(8, 50), (4, 12), (8, 0)]
    # what every other run gets is as before
    assert resolve(experiment, "uhn", 7, "demo").train.budget == 8


def test_a_limit_holds_after_the_fraction(monkeypatch):
    reduction = {"formula_regression": {"train_fraction": 0.5, "train_limit": 1000, "init_limit": 300}}
    monkeypatch.setattr("uhn.configuration.resolve.load_scale", lambda scale: {"tasks": reduction, "data": "standin"})
    sweep, experiment = replace(load_sweep("kan_kv", "paper"), train_budget=(1000, 4000)), load_experiment("kan_kv")
    budgets = []
    for budget in sweep.train_budget:
        chosen = Hyperparameters(1e-4, budget, 1e-4, 50)
        config = resolve_tuned(experiment, "uhn", 7, "short", None, Tuning(sweep), chosen)
        budgets.append((config.train.budget, config.init.steps))
    assert budgets == [(250, 50), (1000, 50)]


def test_divisors_for_other_levels_are_a_mistake():
    deeper = Tuning(TUNINGS["recursion_k2", "uhn"].sweep, Follower(init_lr_divisors=(5, 5, 10, 40)))
    chosen = chosen_by_the_paper("recursion_k1")
    with pytest.raises(UserError, match=r"4 init_lr_divisors for recursion_k2, expected one for each of its 3 levels"):
        resolve_tuned(load_experiment("recursion_k2"), "uhn", 7, "paper", None, deeper, chosen)


def test_mistakes_are_named():
    experiment, tuning = load_experiment("kan_kv"), TUNINGS["kan_kv", "uhn"]
    chosen = chosen_by_the_paper("kan_kv")
    with pytest.raises(UserError, match=r"sweep kan_kv counts steps, but kan_kv/uhn does not"):
        steps = Tuning(replace(tuning.sweep, budget_unit="steps"), Follower())
        resolve_tuned(experiment, "uhn", 7, "paper", None, steps, chosen)
    with pytest.raises(UserError, match="setting 'kan_kv' has no variant 'uhm'"):
        resolve_tuned(experiment, "uhm", 7, "paper", None, tuning, chosen)
    with pytest.raises(UserError, match="expected one init lr for all levels"):
        TUNINGS["recursion_k1", "uhn"].sweep.published_choice(load_experiment("recursion_k2")["variants"]["uhn"])
