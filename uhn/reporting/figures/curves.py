"""Mean training loss of the early phase, epoch by epoch (paper, Figure 5) or part by part of a schedule in steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from uhn.errors import UserError
from uhn.reporting.collect import Pair, Run
from uhn.reporting.figure_definitions import FigureDefinition
from uhn.reporting.figures.bands import band, draw_band
from uhn.reporting.figures.drawing import Drawing
from uhn.reporting.figures.style import panels
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
    for place, series in enumerate(definition.series):
        runs = results[series.pair]
        completed = [run for run in runs if not run.diverged]
        if not completed:
            axes.plot([], [], linestyle="none", label=f"{series.label}: diverged ({len(runs)})")
            continue
        means = pd.concat(map(_mean_losses, completed))
        own = means.columns[0]
        if means.isna().any(axis=None) or (frames and own != x):
            raise UserError(f"{completed[0].path.parent}: schedules in epochs and in steps cannot share a figure")
        x = own
        points = band(means, [x], "loss").head(definition.first_epochs)
        draw_band(axes, points, x, "loss", place, series.label)
        points.insert(0, "series", series.id)
        points["run_keys"] = " ".join(run.key for run in completed)
        frames.append(points)
    axes.set_xlabel(x)
    axes.set_ylabel(LABELS[x])
    losses = [loss for frame in frames for loss in frame["loss_mean"]]
    if losses and min(losses) > 0 and max(losses) > WIDE * min(losses):
        axes.set_yscale("log")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    shown = f"The first {definition.first_epochs} {'epochs' if x == 'epoch' else 'points'}"
    remarks = [shown, "Line: mean over seeds; band: their range"]
    return Drawing(figure, pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(), remarks)


def _mean_losses(run: Run) -> pd.DataFrame:
    """Return the mean losses of training with their positions, in a column ``epoch`` or ``step``."""
    path = run.path.parent / "metrics.jsonl"
    lines = [line for line in read_journal(path) if line["phase"] == "train"]
    for value, position in MEANS.items():
        points = [(line[position], line[value]) for line in lines if value in line]
        if any(loss is None for _, loss in points):
            raise UserError(f"{path}: has a mean loss that is not finite, in a completed run; rerun the training job")
        if points:
            return pd.DataFrame(points, columns=[position, "loss"])
    raise UserError(
        f"{path}: has no mean losses ({' or '.join(map(repr, MEANS))} in phase train); rerun the training job"
    )
