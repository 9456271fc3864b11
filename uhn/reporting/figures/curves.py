"""Mean training loss of the early phase, epoch by epoch (paper, Figure 5) or part by part of a schedule in steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from uhn.errors import UserError
from uhn.reporting.collect import Pair, Run
from uhn.reporting.figure_definitions import FigureDefinition
from uhn.reporting.figures.bands import band, draw_band
from uhn.reporting.figures.drawing import Drawing, completed, joined, mark_points
from uhn.reporting.figures.style import panels
from uhn.runs.folder import METRICS
from uhn.runs.journal import read_journal

MEANS = {"epoch_loss": "epoch", "mean_loss": "step"}  # value -> position, in metrics.jsonl
LABELS = {"epoch": "training loss, mean of the epoch", "step": "training loss, mean since the last point"}

# Losses that differ by more than this factor get a logarithmic axis: the start would hide everything else.
WIDE = 10.0


def draw(definition: FigureDefinition, results: Mapping[Pair, Sequence[Run]]) -> Drawing:
    """Draw one curve per series: the mean of its completed runs with their range as a band.

    Raises:
        UserError: a metrics.jsonl is missing, damaged, without mean losses, or in another unit than the others.
    """
    figure, (axes,) = panels(1, height=3.2)
    frames, x = [], "epoch"
    for number, series in enumerate(definition.series):
        runs = results[series.pair]
        if not completed(runs):
            axes.plot([], [], linestyle="none", label=f"{series.label}: diverged ({len(runs)})")
            continue
        means = pd.concat(map(_mean_losses, completed(runs)))
        unit = means.columns[0]
        if means.isna().any(axis=None) or (frames and unit != x):
            raise UserError(f"{completed(runs)[0].path.parent}: schedules in epochs and in steps cannot share a figure")
        x = unit
        points = band(means, [x], "loss").head(definition.first_epochs)
        draw_band(axes, points, x, "loss", number, series.label)
        frames.append(mark_points(points, "series", series, runs))
    axes.set_xlabel(x)
    axes.set_ylabel(LABELS[x])
    losses = [loss for frame in frames for loss in frame["loss_mean"]]
    if losses and min(losses) > 0 and max(losses) > WIDE * min(losses):
        axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    shown = f"The first {definition.first_epochs} {'epochs' if x == 'epoch' else 'points'}"
    remarks = [shown, "Line: mean over seeds; band: their range"]
    return Drawing(figure, joined(frames), remarks)


def _mean_losses(run: Run) -> pd.DataFrame:
    """Return the mean losses of training with their positions, in a column ``epoch`` or ``step``."""
    path = run.path.parent / METRICS
    lines = [line for line in read_journal(path, run.record["config_digest"]) if line["phase"] == "train"]
    for value, position in MEANS.items():
        points = [(line[position], line[value]) for line in lines if value in line]
        if any(loss is None for _, loss in points):
            raise UserError(f"{path}: has a mean loss that is not finite, in a completed run; rerun the training job")
        if points:
            return pd.DataFrame(points, columns=[position, "loss"])
    raise UserError(
        f"{path}: has no mean losses ({' or '.join(map(repr, MEANS))} in phase train); rerun the training job"
    )
