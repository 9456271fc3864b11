"""Scale of the weights of each level of a recursive UHN during initialisation (not in the paper)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.ticker import LogLocator

from uhn.errors import UserError
from uhn.reporting.collect import Pair, Run
from uhn.reporting.figure_definitions import FigureDefinition
from uhn.reporting.figures.bands import band, draw_band
from uhn.reporting.figures.drawing import Drawing, completed, joined, mark_points
from uhn.reporting.figures.style import legend_above, nothing_to_show, panels
from uhn.runs.folder import METRICS
from uhn.runs.journal import read_journal


def draw(definition: FigureDefinition, results: Mapping[Pair, Sequence[Run]]) -> Drawing:
    """Draw one panel per depth, one curve per level: std of the generated weights, mean and range over seeds.

    Raises:
        UserError: a metrics.jsonl is missing, damaged or without level statistics.
    """
    figure, axes = panels(len(definition.series), height=2.7, across=3, sharey=True)
    frames = []
    for panel, series in zip(axes, definition.series, strict=True):
        runs = results[series.pair]
        panel.set_title(series.label)
        panel.set_xlabel("initialisation step")
        if not completed(runs):
            nothing_to_show(panel, len(runs))
            continue
        points = band(pd.concat(map(_level_stds, completed(runs))), ["level", "step"], "std")
        for level, points_of_level in points.groupby("level"):
            draw_band(panel, points_of_level, "step", "std", int(level), f"level {level}")
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter("{x:g}")
        panel.minorticks_off()
        frames.append(mark_points(points, "series", series, runs))
    axes[0].set_ylabel("std of the generated weights")
    legend_above(figure)
    remarks = ["Line: mean over seeds; band: their range"]
    return Drawing(figure, joined(frames), remarks)


def _level_stds(run: Run) -> pd.DataFrame:
    path = run.path.parent / METRICS
    lines = read_journal(path, run.record["config_digest"])
    logged = [line for line in lines if line["phase"].startswith("init") and "level_std" in line]
    if not logged:
        raise UserError(f"{path}: has no level statistics ('level_std'); rerun the training job")
    rows = []
    before, previous = 0, logged[0]  # each level is initialised in a phase of its own, whose last step is logged
    for line in logged:
        if line["phase"] != previous["phase"]:
            before += previous["step"] + 1
        previous = line
        rows += [
            {"level": int(level), "step": before + line["step"], "std": std} for level, std in line["level_std"].items()
        ]
    return pd.DataFrame(rows)
