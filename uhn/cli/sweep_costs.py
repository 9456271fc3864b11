"""What a sweep would cost, before it runs."""

from __future__ import annotations

from pathlib import Path

from uhn.configuration.cost import run_core_hours
from uhn.configuration.resolve import load_experiment
from uhn.sweeps.apply import resolve_tuned
from uhn.sweeps.grids import EXTRA_SEEDS_STAGE, Hyperparameters, SweepConfig
from uhn.sweeps.load import Tuning
from uhn.sweeps.stages import run_counts
from uhn.training.counts import count_targets, paper_targets


def describe_sweep(sweep: SweepConfig, scale: str) -> tuple[dict[str, int], float]:
    """Return the largest number of runs of each stage, and the estimated hours on one CPU core.

    Which budget and initialisation stage 4 and the final runs have is known only later; here they have the
    published ones.
    """
    experiment = load_experiment(sweep.setting)
    published = sweep.published_choice(experiment["variants"][sweep.variant])

    def hours(chosen: Hyperparameters, mode: str = "tuning") -> float:
        seed = sweep.search_seeds[0]
        config = resolve_tuned(experiment, sweep.variant, seed, scale, None, Tuning(sweep), chosen, mode)
        return run_core_hours(config, scalars)

    config = resolve_tuned(
        experiment, sweep.variant, sweep.search_seeds[0], scale, None, Tuning(sweep), published, "tuning"
    )
    scalars = round(count_targets(paper_targets(config), Path("scratch")).mean_params)
    counts = run_counts(sweep)
    total = sweep.num_final * hours(published, "final")
    for stage in sweep.stages:
        if stage == EXTRA_SEEDS_STAGE:
            candidates = [published] * len(sweep.slots(stage))
        else:
            outer, inner = sweep.axes(stage)
            candidates = [_candidate(stage, a, b, sweep, published) for a in outer for b in inner]
        mean = sum(map(hours, candidates)) / len(candidates)
        total += mean * counts[f"stage{stage}"]
    return counts, total


def _candidate(stage: int, outer: float, inner: int, sweep: SweepConfig, published: Hyperparameters) -> Hyperparameters:
    if stage == 2:
        return Hyperparameters(published.train_lr, sweep.pioneer_budget, outer, inner)
    if stage == 1:
        return Hyperparameters(outer, inner)
    return Hyperparameters(outer, inner, published.init_lr, published.init_steps)
