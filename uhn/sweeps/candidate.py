"""A candidate of a sweep: what stands in a slot, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import fmean, pstdev
from typing import Any

from uhn.metrics import not_finite
from uhn.sweeps.grids import Hyperparameters, Slot

PLANNED, COMPLETED, DIVERGED, DROPPED, SKIPPED = "planned", "completed", "diverged", "dropped", "skipped"


@dataclass(frozen=True)
class Candidate:
    """Hyperparameters in a slot, for one seed (``candidate.json``) or over all its seeds (``selected.json``).

    Deviation: a run counts as diverged when a validation loss or metric is not finite (the release: NaN), because
    training stops at an infinite loss already.

    Args:
        slot: where it runs, or ran first.
        hyperparameters: None where there is nothing to train.
        status: ``planned``; of one seed ``completed`` or ``diverged``; of all ``completed`` or ``dropped``, because a
            seed diverged or a guardrail is violated; ``skipped`` where there is nothing to train.
        seeds: its seeds, in the order of ``values``.
        values: validation metric of the final weights -> one value per seed; empty where a seed diverged.
        reason: why it diverged, was dropped or was skipped.
        same_as: the slot with the same hyperparameters whose results stand for a skipped one.
    """

    slot: Slot
    hyperparameters: Hyperparameters | None
    status: str = PLANNED
    seeds: tuple[int, ...] = ()
    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    reason: str | None = None
    same_as: Slot | None = None

    def mean(self, metric: str) -> float:
        """Return the mean over seeds; its sum is exact, so equal values in another order tie."""
        return fmean(self.values[metric])

    def std(self, metric: str) -> float:
        """Return the population standard deviation over seeds."""
        return pstdev(self.values[metric])

    def completed(self, seed: int, metrics: Mapping[str, float]) -> Candidate:
        """Return what came of a run that reached its last step: diverged if a metric is not finite."""
        if reason := not_finite(metrics):
            return self.diverged(seed, reason)
        values = {name: (value,) for name, value in metrics.items()}
        return replace(self, status=COMPLETED, seeds=(seed,), values=values)

    def diverged(self, seed: int, reason: str) -> Candidate:
        """Return what came of a run that stopped early."""
        return replace(self, status=DIVERGED, seeds=(seed,), reason=reason)

    def after(self, result: Mapping[str, Any]) -> Candidate:
        """Return what came of a run from its ``result.json``."""
        if result["status"] == DIVERGED:
            return self.diverged(result["seed"], result["reason"])
        metrics = {name: value for name, value in result["metrics"].items() if name.startswith("validation/")}
        return self.completed(result["seed"], metrics)
