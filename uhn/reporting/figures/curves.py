"""Epoch-averaged training loss over the first epochs (paper, Figure 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from uhn.errors import UserError
from uhn.reporting.collect import Pair, Run
from uhn.reporting.figures.bands import band, draw_band
from uhn.reporting.figures.definitions import FigureDefinition
from uhn.reporting.figures.drawing import Drawing
from uhn.reporting.figures.metric_lines import read_metric_lines
from uhn.reporting.figures.style import panels


def draw(definition: FigureDefinition, results: Mapping[Pair, Sequence[Run]]) -> Drawing:
    """Draw one curve per series: the mean of its completed runs with their range as a band.

    Raises:
        UserError: a metrics.jsonl is missing, damaged or without epoch losses.
    """
    figure, (axes,) = panels(1, height=3.2)
    frames = []
    for place, series in enumerate(definition.series):
        runs = results[series.pair]
        completed = [run for run in runs if not run.diverged]
        if not completed:
            axes.plot([], [], linestyle="none", label=f"{series.label}: diverged ({len(runs)})")
            continue
        points = band(pd.concat(map(_epoch_losses, completed)), ["epoch"], "loss").head(definition.first_epochs)
        draw_band(axes, points, "epoch", "loss", place, series.label)
        points.insert(0, "series", series.id)
        points["run_keys"] = " ".join(run.key for run in completed)
        frames.append(points)
    axes.set_xlabel("epoch")
    axes.set_ylabel("training loss, mean of the epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    remarks = [f"The first {definition.first_epochs} epochs", "Line: mean over seeds; band: their range"]
    return Drawing(figure, pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(), remarks)


def _epoch_losses(run: Run) -> pd.DataFrame:
    path = run.path.parent / "metrics.jsonl"
    ends = [line for line in read_metric_lines(path) if line.get("phase") == "train" and "epoch_loss" in line]
    if not ends:
        raise UserError(f"{path}: has no epoch losses ('epoch_loss' in phase train); rerun the training job")
    if any(line["epoch_loss"] is None for line in ends):
        raise UserError(f"{path}: has an epoch loss that is not finite, in a completed run; rerun the training job")
    return pd.DataFrame({"epoch": [line["epoch"] for line in ends], "loss": [line["epoch_loss"] for line in ends]})
