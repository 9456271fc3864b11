"""Ranking candidates on their validation metrics (paper, Appendix F): order per task, then the mean of the ranks.

Every order ends in the values themselves (train budget, train lr, init steps, init lr, smaller first), so that ties
cannot remain between different candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from uhn.sweeps.candidate import Candidate
from uhn.sweeps.grids import Metric, Slot


@dataclass(frozen=True)
class Ranked:
    """A completed candidate and its ranks, 0 the best: per metric, their mean and their population standard deviation.

    The mean rank is the Borda aggregate; the deviation says how unequal the tasks are.
    """

    candidate: Candidate
    ranks: dict[str, int]

    @property
    def mean_rank(self) -> float:
        """Mean over tasks."""
        return fmean(self.ranks.values())

    @property
    def std_rank(self) -> float:
        """Population standard deviation over tasks."""
        return pstdev(self.ranks.values())


def order_for_task(candidates: Sequence[Candidate], metric: Metric) -> list[Candidate]:
    """Sort candidates by one task: best mean, then least spread over seeds, then cheapest and smallest."""
    sign = -1 if metric.higher_is_better else 1

    def key(candidate: Candidate) -> tuple[float, ...]:
        name = metric.name
        return sign * candidate.mean(name), candidate.std(name), *candidate.hyperparameters.tie_key

    return sorted(candidates, key=key)


def rank(candidates: Sequence[Candidate], metrics: Sequence[Metric]) -> list[Ranked]:
    """Rank completed candidates over all tasks, best first: mean rank, least spread of ranks, cheapest and smallest.

    With one metric this is the order of :func:`order_for_task`.
    """
    ranks: dict[Slot, dict[str, int]] = {candidate.slot: {} for candidate in candidates}
    for metric in metrics:
        for position, candidate in enumerate(order_for_task(candidates, metric)):
            ranks[candidate.slot][metric.name] = position
    ranked = [Ranked(candidate, ranks[candidate.slot]) for candidate in candidates]
    return sorted(ranked, key=lambda one: (one.mean_rank, one.std_rank, *one.candidate.hyperparameters.tie_key))


def guardrail_violation(candidate: Candidate, metrics: Sequence[Metric]) -> str | None:
    """Say which guardrails the seed means of a candidate break; None if they break none."""
    broken = [metric for metric in metrics if metric.violated(candidate.mean(metric.name))]
    if not broken:
        return None
    facts = (f"{metric.name} {candidate.mean(metric.name):.6g}, expected {metric.bound}" for metric in broken)
    return f"guardrail: {'; '.join(facts)} (mean over {len(candidate.seeds)} seeds)"
