"""Accuracy of every architecture of a family against its size (paper, Figure 3)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes

from uhn.reporting.collect import Pair, Run
from uhn.reporting.figure_definitions import FigureDefinition
from uhn.reporting.figures.architectures import OUTLIER, ROBUST, SEEN, UNSEEN, gather, outliers, over_seeds
from uhn.reporting.figures.drawing import Drawing, joined, mark_points
from uhn.reporting.figures.style import COLOURS, legend_above, nothing_to_show, panels

# unseen above seen: marker, face, edge, order
LOOKS = {SEEN: ("o", "none", COLOURS[0], 2), UNSEEN: ("^", COLOURS[1], COLOURS[1], 3)}
LABELS = {SEEN: "seen in training", UNSEEN: "unseen"}

# outliers that are labelled; the rest stands in the CSV
LABELLED = 3
# height of a line of their text, as a share of the panel's
LINE = 0.062


def draw(definition: FigureDefinition, results: Mapping[Pair, Sequence[Run]]) -> Drawing:
    """Draw one panel per family; points are means over seeds.

    Raises:
        UserError: a completed run has no per-model results.
    """
    figure, axes = panels(len(definition.series), height=2.7)
    frames = []
    for panel, series in zip(axes, definition.series, strict=True):
        runs = results[series.pair]
        panel.set_title(series.label)
        panel.set_xlabel("parameters of the architecture, thousands")
        panel.set_ylabel("test accuracy")
        lines = gather(runs)
        if lines.empty:
            nothing_to_show(panel, len(runs))
            continue
        points = over_seeds(lines, "accuracy")
        unseen = points["split"] == UNSEEN
        points["outlier"] = False
        accuracies = points["accuracy_mean"]
        points.loc[unseen, "outlier"] = outliers(list(accuracies[unseen]))
        points["outlier"] &= accuracies < accuracies[~unseen].min()  # others are low for their size
        _draw_panel(panel, points)
        frames.append(mark_points(points, "family", series, runs))
    legend_above(figure)
    remarks = [
        "Points: one architecture each, mean over seeds",
        f"labelled: unseen architectures below all seen ones and more than {OUTLIER:g} robust standard deviations "
        f"({ROBUST:g} MAD) below the median of the unseen, as id (thousand parameters): configuration, accuracy; "
        "at the lower edge: below the axis",
    ]
    return Drawing(figure, joined(frames), remarks)


def _draw_panel(panel: Axes, points: pd.DataFrame) -> None:
    inliers, far = points[~points["outlier"]], points[points["outlier"]]
    for split, (marker, face, edge, order) in LOOKS.items():
        shown = inliers[inliers["split"] == split]
        panel.scatter(
            shown["parameters"] / 1e3,
            shown["accuracy_mean"],
            s=20,
            marker=marker,
            facecolors=face,
            edgecolors=edge,
            linewidths=0.8,
            zorder=order,
            label=LABELS[split],
        )
    _mark_outliers(panel, far, inliers["accuracy_mean"])


def _mark_outliers(panel: Axes, far: pd.DataFrame, accuracies: pd.Series) -> None:
    """Fit the axis to the other points; mark outliers at its lower edge and say above it what they are."""
    text = _outlier_text(far)
    low, high = accuracies.min(), accuracies.max()
    margin = 0.06 * max(high - low, 1e-3)
    height = high - low + 2 * margin
    reserved = 0.08 + LINE * (text.count("\n") + 1) if text else 0.0
    bottom = high + margin - height / (1 - reserved)
    panel.set_ylim(bottom, high + margin)
    marker, face, _, order = LOOKS[UNSEEN]
    for line in far.itertuples():
        inside = line.accuracy_mean >= bottom
        panel.scatter(
            [line.parameters / 1e3],
            [line.accuracy_mean if inside else bottom],
            s=40,
            marker=marker if inside else "v",
            facecolors=face,
            edgecolors="black",
            zorder=order + 1,
            clip_on=False,
        )
    panel.text(0.99, 0.06, text, transform=panel.transAxes, ha="right", va="bottom", fontsize=6.5, linespacing=1.2)


def _outlier_text(far: pd.DataFrame) -> str:
    """Name the lowest outliers with their size, configuration and accuracy."""
    lines = []
    for line in far.sort_values("accuracy_mean").head(LABELLED).itertuples():
        name = f"{line.model.rpartition('/')[2]} ({line.parameters / 1e3:.0f})"
        lines.append(textwrap.fill(f"{name}: {line.summary}; {line.accuracy_mean:.3f}", 50))
    if len(far) > LABELLED:
        lines.append(f"and {len(far) - LABELLED} more, see the CSV")
    return "\n".join(lines)
