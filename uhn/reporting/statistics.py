"""Statistics of a cell: mean, sample std and 95% interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy.special import stdtrit

CONFIDENCE = 0.95


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
