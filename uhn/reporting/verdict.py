r"""Comparison of a cell with the paper's printed value, and what may be said of it.

Accuracies are compared by their difference, errors by their ratio. The interval is Welch's, from both spreads:

.. math:: d \pm t_{0.975,\nu} \sqrt{s_1^2/n_1 + s_2^2/n_2}

with the Welch-Satterthwaite degrees of freedom; of a ratio on the scale of logarithms, with relative spreads (first
order of the delta method). The verdict holds the interval against a margin that ``config/verdicts.yaml`` fixes before
any run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from scipy.special import stdtrit

from uhn.configuration.yaml_files import pick_file, read_yaml
from uhn.paths import config_dir
from uhn.reporting.reference import Reference
from uhn.reporting.statistics import CONFIDENCE, SeedStatistics

REPRODUCED, DIFFERS, UNDECIDED, NO_VERDICT = "reproduced", "differs", "undecided", "-"
# Seeds beyond which an undecided cell is said not to be decidable by more of them.
MOST_SEEDS = 1000


@dataclass(frozen=True)
class Margin:
    """How far from the paper a value may be and still count as reproduced.

    Args:
        difference: smallest absolute difference that matters; None of a metric that is compared by its ratio.
        paper_stds: as many of the paper's standard deviations where these are wider.
        ratio: largest ratio, either way; None of a metric that is compared by its difference.
    """

    difference: float | None = None
    paper_stds: float = 0.0
    ratio: float | None = None


@dataclass(frozen=True)
class Comparison:
    """Ours against the paper.

    Args:
        kind: ``difference`` (ours minus paper) or ``ratio`` (ours over paper).
        value, low, high: with its 95 % interval; NaN where there is none.
        margin_low, margin_high: values between them count as the paper's.
        verdict: ``reproduced`` (the interval lies inside the margin), ``differs`` (outside), ``undecided`` (neither) or
            ``-`` (the paper's value is unknown, or we have fewer than two seeds).
        seeds: of an undecided cell, how many would decide it if means and spreads stayed; None otherwise, and where
            no number up to ``MOST_SEEDS`` would.
    """

    kind: str
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    margin_low: float = math.nan
    margin_high: float = math.nan
    verdict: str = NO_VERDICT
    seeds: int | None = None


def load_margins(config: Path | None = None) -> dict[str, Margin]:
    """Read ``config/verdicts.yaml``: name of a metric -> its margin."""
    content = read_yaml((config or config_dir()) / "verdicts.yaml", "verdicts")
    return {metric: Margin(**margin) for metric, margin in content.items()}


def is_comparable(scale: str, config: Path | None = None) -> bool:
    """Tell whether runs of a scale may be held against the paper's numbers (``comparable_with_paper``)."""
    path = pick_file((config or config_dir()) / "scales", scale, "scale")
    return bool(read_yaml(path, "scale").get("comparable_with_paper", False))


def compare(ours: SeedStatistics, paper: Reference, margin: Margin) -> Comparison:
    """Compare a cell with the paper.

    A spread that the paper does not print is taken to be ours. Ratios exist between positive numbers only.

    Args:
        ours: statistics over our seeds.
        paper: the printed value.
        margin: of the metric.
    """
    kind = "difference" if margin.ratio is None else "ratio"
    if paper.mean is None or not ours.n or (margin.ratio is not None and min(ours.mean, paper.mean) <= 0):
        return Comparison(kind)
    paper_n = paper.n_seeds or ours.n
    if margin.ratio is None:
        center, back = ours.mean - paper.mean, float
        our_std, paper_std = ours.std, paper.std
        half_margin = max(margin.difference or 0.0, margin.paper_stds * (paper.std or 0.0))
    else:
        center, back = math.log(ours.mean / paper.mean), math.exp
        our_std = ours.std / ours.mean
        paper_std = None if paper.std is None else paper.std / paper.mean
        half_margin = math.log(margin.ratio)
    bounds = {"margin_low": back(-half_margin), "margin_high": back(half_margin)}
    if ours.n < 2:
        return Comparison(kind, back(center), **bounds)
    paper_std = our_std if paper_std is None else paper_std
    half = welch_half_width(our_std, ours.n, paper_std, paper_n)
    verdict = _judge(center, half, half_margin)
    seeds = None
    if verdict == UNDECIDED:
        counts = range(ours.n + 1, MOST_SEEDS + 1)
        halves = ((n, welch_half_width(our_std, n, paper_std, paper_n)) for n in counts)
        seeds = next((n for n, half_n in halves if _judge(center, half_n, half_margin) != UNDECIDED), None)
    return Comparison(
        kind, back(center), back(center - half), back(center + half), **bounds, verdict=verdict, seeds=seeds
    )


def welch_half_width(std1: float, n1: int, std2: float, n2: int) -> float:
    """Return half the width of Welch's interval of a difference of two means.

    Args:
        std1, std2: sample standard deviations.
        n1, n2: sizes of the samples. A sample of one has no spread of its own and adds no degrees of freedom.
    """
    first, second = std1**2 / n1, std2**2 / n2
    if not first + second:
        return 0.0
    terms = [(part, n) for part, n in ((first, n1), (second, n2)) if n > 1]
    freedom = (first + second) ** 2 / sum(part**2 / (n - 1) for part, n in terms)
    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * math.sqrt(first + second)


def _judge(center: float, half: float, half_margin: float) -> str:
    if abs(center) + half <= half_margin:
        return REPRODUCED
    if abs(center) - half > half_margin:
        return DIFFERS
    return UNDECIDED
