"""Curves over seeds: mean and range at each position."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from uhn.reporting.figures.style import COLOURS, LINES, MARKERS


def band(lines: pd.DataFrame, by: list[str], value: str) -> pd.DataFrame:
    """Return one line per position with ``<value>_mean``, ``_min``, ``_max`` over seeds and n."""
    groups = lines.groupby(by, sort=True)[value]
    names = {f"{value}_{name}": name for name in ("mean", "min", "max")}
    return groups.agg(**names, n="size").reset_index()


def draw_band(axes: Axes, points: pd.DataFrame, x: str, value: str, number: int, label: str) -> None:
    """Draw the mean with the range over seeds behind it.

    Args:
        axes: the panel.
        points: result of :func:`band` for one curve.
        x: column of the positions.
        value: name of the value.
        number: of the curve; decides dash, marker and colour.
        label: its name in the legend.
    """
    colour = COLOURS[number % len(COLOURS)]
    axes.fill_between(points[x], points[f"{value}_min"], points[f"{value}_max"], color=colour, alpha=0.2, linewidth=0)
    axes.plot(
        points[x],
        points[f"{value}_mean"],
        color=colour,
        linestyle=LINES[number % len(LINES)],
        marker=MARKERS[number % len(MARKERS)],
        markevery=max(len(points) // 10, 1),
        markersize=4,
        linewidth=1.3,
        label=label,
    )
