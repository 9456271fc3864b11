"""Statistics of a cell: mean, sample std, 95% interval, difference to the paper and verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy.special import stdtrit

CONFIDENCE = 0.95

WITHIN, ABOVE, BELOW, NO_VERDICT = "within", "above", "below", "-"


@dataclass(frozen=True)
class SeedStatistics:
    """Statistics over seeds; NaN where ``n`` is too small for them."""

    mean: float
    std: float
    n: int
    ci_low: float
    ci_high: float


def statistics_over_seeds(values: Sequence[float]) -> SeedStatistics:
    """Return mean, sample std (ddof 1) and the 95% Student t interval of the mean.

    Args:
        values: one value per seed. Without values the mean is NaN; std and interval need two.
    """
    n = len(values)
    mean = fmean(values) if n else math.nan
    if n < 2:
        return SeedStatistics(mean, math.nan, n, math.nan, math.nan)
    std = stdev(values)
    half = float(stdtrit(n - 1, (1 + CONFIDENCE) / 2)) * std / math.sqrt(n)
    return SeedStatistics(mean, std, n, mean - half, mean + half)


def difference(ours: SeedStatistics, reference: float | None) -> float:
    """Return ours minus the paper's mean; NaN where either is unknown."""
    return math.nan if reference is None else ours.mean - reference


def verdict(ours: SeedStatistics, reference: float | None, reference_std: float | None) -> str:
    """Compare a cell with the paper.

    Args:
        ours: our statistics.
        reference: the paper's mean, None where unknown.
        reference_std: the paper's std, None where unknown (then counted as 0).

    Returns:
        ``within`` if the paper's mean lies in our interval widened on both sides by the paper's std; else
        ``above`` or ``below`` (ours relative to the paper's); ``-`` without a paper's mean or with n < 2.
    """
    if reference is None or ours.n < 2:
        return NO_VERDICT
    slack = reference_std or 0.0
    if ours.ci_low - slack <= reference <= ours.ci_high + slack:
        return WITHIN
    return ABOVE if ours.mean > reference else BELOW
