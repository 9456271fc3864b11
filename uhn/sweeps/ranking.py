"""Ranking candidates on their validation metrics (paper, Appendix F): order per task, then the mean of the ranks.

Every order ends in the values themselves (train budget, train lr, init steps, init lr, smaller first), so that ties
cannot remain between different candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from uhn.sweeps.grids import Hyperparameters, Metric, Slot


@dataclass(frozen=True)
class Scored:
    """A candidate with a finite validation metric for every seed and task.

    Args:
        slot: where it ran first.
        hyperparameters: its values.
        seeds: its seeds.
        values: metric name -> one value per seed.
    """

    slot: Slot
    hyperparameters: Hyperparameters
    seeds: tuple[int, ...]
    values: dict[str, tuple[float, ...]]

    def mean(self, metric: str) -> float:
        """Return the mean over seeds; its sum is exact, so equal values in another order tie."""
        return fmean(self.values[metric])

    def std(self, metric: str) -> float:
        """Return the population standard deviation over seeds."""
        return pstdev(self.values[metric])


@dataclass(frozen=True)
class Ranked:
    """A candidate and its ranks, 0 the best: per metric, their mean and their population standard deviation."""

    candidate: Scored
    ranks: dict[str, int]

    @property
    def mean_rank(self) -> float:
        """The Borda aggregate."""
        return fmean(self.ranks.values())

    @property
    def std_rank(self) -> float:
        """How unequal the tasks are."""
        return pstdev(self.ranks.values())


def order_for_task(candidates: Sequence[Scored], metric: Metric) -> list[Scored]:
    """Sort candidates by one task: best mean, then least spread over seeds, then cheapest and smallest."""
    sign = -1 if metric.higher_is_better else 1

    def key(candidate: Scored) -> tuple[float, ...]:
        name = metric.name
        return sign * candidate.mean(name), candidate.std(name), *candidate.hyperparameters.tie_key

    return sorted(candidates, key=key)


def rank(candidates: Sequence[Scored], metrics: Sequence[Metric]) -> list[Ranked]:
    """Rank candidates over all tasks, best first: mean rank, then least spread of ranks, then cheapest and smallest.

    With one metric this is the order of :func:`order_for_task`.
    """
    ranks: dict[Slot, dict[str, int]] = {candidate.slot: {} for candidate in candidates}
    for metric in metrics:
        for position, candidate in enumerate(order_for_task(candidates, metric)):
            ranks[candidate.slot][metric.name] = position
    ranked = [Ranked(candidate, ranks[candidate.slot]) for candidate in candidates]
    return sorted(ranked, key=lambda one: (one.mean_rank, one.std_rank, *one.candidate.hyperparameters.tie_key))


def guardrail_violation(candidate: Scored, metrics: Sequence[Metric]) -> str | None:
    """Say which guardrails the seed means of a candidate break; None if they break none."""
    broken = [metric for metric in metrics if metric.violated(candidate.mean(metric.name))]
    if not broken:
        return None
    facts = (f"{metric.name} {candidate.mean(metric.name):.6g}, expected {metric.bound}" for metric in broken)
    return f"guardrail: {'; '.join(facts)} (mean over {len(candidate.seeds)} seeds)"
