"""Hyperparameters of a sweep -> the resolved configuration of a run, at the reduction of its scale."""

from __future__ import annotations

from typing import Any

from uhn.configuration.resolve import Longest, resolve
from uhn.configuration.run import RunConfig
from uhn.errors import UserError
from uhn.sweeps.grids import Hyperparameters, SweepConfig
from uhn.sweeps.load import Follower, Tuning


def resolve_tuned(
    experiment: dict[str, Any],
    variant: str,
    seed: int,
    scale: str,
    source: str | None,
    tuning: Tuning,
    chosen: Hyperparameters,
    mode: str = "final",
) -> RunConfig:
    """Resolve a run with the hyperparameters of a sweep in place of the published ones.

    The scale reduces it like every run, but for its limits: one on a number of epochs or steps holds for the longest
    candidate of the sweep, and shortens the others by the same factor, so that candidates stay different.

    Args:
        experiment, variant, seed, scale, source: as for :func:`uhn.configuration.resolve.resolve`.
        tuning: the sweep, and how this run follows it unless it is the one searched.
        chosen: the hyperparameters, in the paper's units.
        mode: ``tuning`` for a candidate, ``final`` for a run of the winner.
    """
    sweep, follower = tuning.sweep, tuning.follower or Follower()
    train = round(sweep.longest_train / follower.train_budget_divisor)
    init = sweep.longest_init and round(sweep.longest_init * follower.init_steps_factor)
    tuned = tuned_experiment(experiment, variant, sweep, chosen, follower)
    return resolve(tuned, variant, seed, scale, source, mode, Longest(train, init))


def tuned_experiment(
    experiment: dict[str, Any], variant: str, sweep: SweepConfig, chosen: Hyperparameters, follower: Follower
) -> dict[str, Any]:
    """Return an experiment with the values of one variant replaced.

    Raises:
        UserError: no such variant, or its schedule is counted in another unit.
    """
    if variant not in experiment["variants"]:
        raise UserError(f"setting '{experiment['setting']}' has no variant '{variant}'; see config/sweeps.yaml")
    choices = experiment["variants"][variant]
    if sweep.budget_unit not in choices["train"]:
        raise UserError(
            f"sweep {sweep.name} counts {sweep.budget_unit}, but {experiment['setting']}/{variant} does not; "
            "correct followers in config/sweeps.yaml"
        )
    budget = round(chosen.train_budget / follower.train_budget_divisor)
    values = {sweep.budget_unit: budget, "lr": chosen.train_lr / follower.train_lr_divisor}
    tuned = choices | {"train": choices["train"] | values}
    if sweep.four_stage:
        tuned |= {"init": choices["init"] | _tuned_init(experiment, choices["init"], chosen, follower)}
    return experiment | {"variants": experiment["variants"] | {variant: tuned}}


def _tuned_init(
    experiment: dict[str, Any], published: dict[str, Any], chosen: Hyperparameters, follower: Follower
) -> dict[str, Any]:
    """Return what replaces the published initialisation; a warm-up keeps its share of fewer steps."""
    steps = round(chosen.init_steps * follower.init_steps_factor) if follower.init else 0
    warmup = {}
    if "warmup_steps" in published and steps < published["steps"]:
        warmup = {"warmup_steps": published["warmup_steps"] * steps // published["steps"]}
    if "depth" not in experiment:
        return {"steps": steps, "lr": chosen.init_lr} | warmup
    divisors = follower.init_lr_divisors or (1,) * (experiment["depth"] + 1)
    return {"steps": steps, "lr": [chosen.init_lr / divisor for divisor in divisors]} | warmup
