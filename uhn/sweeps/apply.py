"""Hyperparameters of a sweep in place of the published ones in the configuration of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from uhn.configuration.published import published_run
from uhn.configuration.resolve import at_scale, load_defaults
from uhn.configuration.run import InitConfig, RunConfig
from uhn.errors import UserError
from uhn.sweeps.grids import Hyperparameters
from uhn.sweeps.load import Tuning


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

    The scale reduces it like every run, but for its limits: a limit on epochs or steps holds for the longest candidate
    of the sweep and shortens the others by the same factor, so that candidates stay different.

    Args:
        experiment, variant, seed, scale, source: as for :func:`uhn.configuration.resolve.resolve`.
        tuning: the sweep, and how this run follows it.
        chosen: the hyperparameters, in the paper's units.
        mode: ``tuning`` for a candidate, ``final`` for a run of the winner.
    """
    published = published_run(experiment, load_defaults(), variant, seed, mode)
    tuned, longest = (tune(published, tuning, values) for values in (chosen, tuning.sweep.longest))
    return at_scale(tuned, scale, source, longest)


def tune(published: RunConfig, tuning: Tuning, chosen: Hyperparameters) -> RunConfig:
    """Replace the hyperparameters that a sweep searches, before a scale reduces the run.

    Raises:
        UserError: the run's schedule is counted in another unit, or its chain has other levels, than the sweep says.
    """
    sweep, follower = tuning.sweep, tuning.follower
    if published.train.unit != sweep.budget_unit:
        raise UserError(
            f"sweep {sweep.name} counts {sweep.budget_unit}, but {published.setting}/{published.variant} does not; "
            "correct followers in config/sweeps.yaml"
        )
    train = replace(
        published.train,
        budget=round(chosen.train_budget / follower.train_budget_divisor),
        lr=chosen.train_lr / follower.train_lr_divisor,
    )
    init = _tune_init(published, tuning, chosen) if sweep.four_stage else published.init
    return replace(published, train=train, init=init)


def _tune_init(published: RunConfig, tuning: Tuning, chosen: Hyperparameters) -> InitConfig:
    """Replace steps and learning rates of the initialisation; a warm-up keeps its share of fewer steps."""
    init, follower = published.init, tuning.follower
    levels = len(init.lr)
    divisors = follower.init_lr_divisors or (1,) * levels
    if len(divisors) != levels:
        raise UserError(
            f"sweep {tuning.sweep.name}: {len(divisors)} init_lr_divisors for {published.setting}, expected one for "
            f"each of its {levels} levels; correct followers in config/sweeps.yaml"
        )
    steps = round(chosen.init_steps * follower.init_steps_factor) if follower.init else 0
    warmup = init.warmup_steps
    return replace(
        init,
        steps=steps,
        lr=tuple(chosen.init_lr / divisor for divisor in divisors),
        warmup_steps=warmup * steps // init.steps if steps < init.steps else warmup,
    )
