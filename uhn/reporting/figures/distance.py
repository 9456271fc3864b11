"""Accuracy lost on unseen architectures against the distance to the nearest trained one (not in the paper)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from uhn.reporting.collect import Pair, Run
from uhn.reporting.figure_definitions import FigureDefinition
from uhn.reporting.figures.architectures import UNSEEN, gather, outliers, over_seeds
from uhn.reporting.figures.drawing import Drawing, joined, mark_points
from uhn.reporting.figures.style import COLOURS, nothing_to_show, panels


def draw(definition: FigureDefinition, results: Mapping[Pair, Sequence[Run]]) -> Drawing:
    """Draw one panel per family, with Spearman's rank correlation.

    Raises:
        UserError: a completed run has no per-model results.
    """
    figure, axes = panels(len(definition.series), height=2.5)
    frames = []
    for panel, series in zip(axes, definition.series, strict=True):
        runs = results[series.pair]
        panel.set_xlabel("distance to the nearest trained architecture")
        panel.set_ylabel("mean seen − own accuracy")
        lines = gather(runs)
        if lines.empty:
            panel.set_title(series.label)
            nothing_to_show(panel, len(runs))
            continue
        points = over_seeds(lines[lines["split"] == UNSEEN], "gap").drop(columns="split")
        correlation = rank_correlation(points["distance"], points["gap_mean"])
        known = "undefined" if math.isnan(correlation) else f"{correlation:+.2f}".replace("-", "−")
        panel.set_title(f"{series.label}, rank correlation {known}")
        panel.scatter(points["distance"], points["gap_mean"], s=20, marker="^", color=COLOURS[1])
        _fit_axis(panel, points["gap_mean"])
        panel.axhline(0, color="0.5", linewidth=0.8, linestyle="--", zorder=1)
        points["rank_correlation"] = correlation
        frames.append(mark_points(points, "family", series, runs))
    remarks = [
        "Points: one unseen architecture each, mean over seeds; dashed: the mean of the seen architectures",
        "rank correlation: Spearman's, between distance and lost accuracy",
        "where one architecture is an outlier, the axis is linear between the dotted lines and logarithmic beyond",
    ]
    return Drawing(figure, joined(frames), remarks)


def _fit_axis(panel: Axes, gaps: pd.Series) -> None:
    """Keep the other points apart where an outlier would press them together."""
    far = pd.Series(outliers(list(-gaps)), index=gaps.index)
    if not far.any():
        return
    linear = 1.2 * float(gaps[~far].abs().max())
    panel.set_yscale("symlog", linthresh=linear, linscale=1.2)
    digit = 10 ** math.floor(math.log10(linear))
    inner = digit * math.floor(linear / digit)
    ticks = [-inner, 0, inner, *(tick for tick in (0.1, 1.0) if linear < tick <= 2 * gaps.max())]
    panel.set_yticks(ticks, [f"{tick:g}".replace("-", "−") for tick in ticks])
    panel.minorticks_off()
    for edge in (-linear, linear):
        panel.axhline(edge, color="0.6", linewidth=0.8, linestyle=":", zorder=1)


def rank_correlation(one: pd.Series, other: pd.Series) -> float:
    """Return Spearman's coefficient; NaN with fewer than three points or where one side is constant."""
    if len(one) < 3 or one.nunique() < 2 or other.nunique() < 2:
        return math.nan
    return float(one.rank().corr(other.rank()))
