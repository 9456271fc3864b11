"""A sweep: the validation metric over the grid of each stage, and the seeds of the best three."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from uhn.errors import UserError
from uhn.reporting.collect_sweeps import DecidedSweep
from uhn.reporting.figures.drawing import Drawing
from uhn.reporting.figures.style import COLOURS, panels
from uhn.reporting.rounding import learning_rate
from uhn.reporting.sweep_frame import LABELS
from uhn.sweeps.grids import EXTRA_SEEDS_STAGE, Metric, Slot
from uhn.sweeps.selection import Selection

AXES = {1: ("train_lr", "train_budget"), 2: ("init_lr", "init_steps"), 3: ("train_lr", "train_budget")}
WINNER = "#d62728"
# Both are seen where both are the same candidate.
FRAMES = {
    "winner": {"edgecolor": WINNER, "linewidth": 3, "zorder": 3},
    "paper": {"edgecolor": "black", "linewidth": 1.5, "linestyle": "--", "zorder": 4},
}
PANEL_WIDTH, PANEL_HEIGHT = 2.6, 2.4  # inches


def draw(sweep: DecidedSweep) -> Drawing:
    """Draw one row of panels per metric and one column per stage; brighter is better.

    Raises:
        UserError: the sweep has not been run up to the end of its search.
    """
    frame = stages_frame(sweep)
    metrics, stages = sweep.config.metrics, list(dict.fromkeys(frame["stage"]))
    figure, axes = panels(len(metrics) * len(stages), PANEL_HEIGHT, across=len(stages), width=PANEL_WIDTH * len(stages))
    panel = iter(axes)
    for metric in metrics:
        lines = frame[frame["metric"] == metric.name]
        limits = lines["mean"].min(), lines["mean"].max()
        for stage in stages:
            lines_of_stage = lines[lines["stage"] == stage].to_dict("records")
            if stage == EXTRA_SEEDS_STAGE:
                _draw_extra_seeds(next(panel), lines_of_stage, metric, sweep)
            else:
                _draw_grid(next(panel), lines_of_stage, metric, sweep, stage, limits)
    return Drawing(figure, frame, ["Validation metric, mean over seeds", "red: our choice; dashed: the paper's"])


def stages_frame(sweep: DecidedSweep) -> pd.DataFrame:
    """Return one line per stage, slot and metric: the slot's values, mean, population std, seeds and status.

    Status is ``ranked``, ``dropped`` (mean and std are NaN if a seed diverged) or ``skipped`` (with the numbers of the
    candidate that stands for it). ``winner`` and ``paper`` mark our choice of the whole sweep and the paper's.

    Raises:
        UserError: the sweep has not been run up to the end of its search.
    """
    config, search = sweep.config, sweep.search
    if search is None:
        raise UserError(f"sweep {config.name}: no selection of stage {config.last_search_stage} to draw")
    lines = []
    for stage in config.stages:
        if stage != EXTRA_SEEDS_STAGE:
            for slot in config.slots(stage):
                lines += _slot_lines(sweep, search, slot, slot)
        elif sweep.finished:
            for slot, entry in zip(config.slots(stage), search.ranking, strict=False):
                lines += _slot_lines(sweep, sweep.selections[-1], slot, entry.candidate.slot)
    return pd.DataFrame(lines)


def _slot_lines(sweep: DecidedSweep, selection: Selection, slot: Slot, ran_as: Slot) -> list[dict[str, Any]]:
    """Return the lines of a slot whose candidate ran in the slot ``ran_as``, one per metric."""
    skipped = {entry.slot: entry for entry in selection.skipped}
    if slot in skipped:
        ran_as = skipped[slot].same_as or slot
    scored = next((entry.candidate for entry in selection.ranking if entry.candidate.slot == ran_as), None)
    dropped = next((candidate for candidate in selection.dropped if candidate.slot == ran_as), None)
    candidate = scored or dropped
    note = dropped.reason if dropped else skipped[slot].reason if slot in skipped else ""
    lines = []
    for metric in sweep.config.metrics:
        values = candidate.values.get(metric.name, ()) if candidate else ()
        statistics = pd.Series(values, dtype=float)
        lines.append(
            {
                "sweep": sweep.config.name,
                "stage": slot.stage,
                "slot": slot.name,
                "i": slot.i,
                "j": slot.j,
                **(candidate.hyperparameters.to_dict() if candidate else {}),
                "metric": metric.name,
                "mean": statistics.mean(),
                "std": statistics.std(ddof=0),
                "values": " ".join(f"{value:.9g}" for value in values),
                "status": "skipped" if slot in skipped else "ranked" if scored else "dropped",
                "note": note,
                "winner": candidate is not None and candidate.hyperparameters == sweep.winner,
                "paper": candidate is not None and candidate.hyperparameters == sweep.printed.choice,
            }
        )
    return lines


def _draw_grid(
    axes: Axes,
    lines: Sequence[dict[str, Any]],
    metric: Metric,
    sweep: DecidedSweep,
    stage: int,
    limits: tuple[float, float],
) -> None:
    """Draw a stage's candidates as tiles with their metric; hatched where one diverged, framed where it won."""
    low, high = limits
    colours = mpl.colormaps["viridis" if metric.higher_is_better else "viridis_r"]
    for line in lines:
        corner, value = (line["j"] - 0.5, line["i"] - 0.5), line["mean"]
        known = not pd.isna(value)
        colour = colours((value - low) / (high - low) if high > low else 0.5) if known else "white"
        look = {"edgecolor": "white"} if known else {"edgecolor": "0.4", "hatch": "////"}
        axes.add_patch(Rectangle(corner, 1, 1, facecolor=colour, **look))
        for choice, frame in FRAMES.items():
            if line[choice]:
                axes.add_patch(Rectangle(corner, 1, 1, fill=False, **frame))
        text = f"{value:.4g}" if known else "diverged"
        suffix = {"skipped": "\n(ran before)", "dropped": "\n(dropped)" if known else ""}.get(line["status"], "")
        is_dark = known and sum(colour[:3]) < 1.4
        axes.text(
            *(line["j"], line["i"], text + suffix),
            ha="center",
            va="center",
            fontsize=6.5,
            color="white" if is_dark else "black",
        )
    (outer, inner), (rows, columns) = AXES[stage], sweep.config.axes(stage)
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xticks(range(len(columns)), [f"{value:,}" for value in columns])
    axes.set_yticks(range(len(rows)), [learning_rate(value) for value in rows])
    axes.grid(False)
    unit = f", {sweep.config.budget_unit}" if inner == "train_budget" else ""
    axes.set(xlabel=LABELS[inner] + unit, ylabel=LABELS[outer], title=_title(f"stage {stage}", metric))


def _draw_extra_seeds(axes: Axes, lines: Sequence[dict[str, Any]], metric: Metric, sweep: DecidedSweep) -> None:
    """Draw every seed of the best three and their means; a candidate with a diverged seed has none."""
    for line in lines:
        values = [float(value) for value in line["values"].split()]
        axes.plot([line["i"]] * len(values), values, "o", fillstyle="none", color=COLOURS[0], markersize=4)
        axes.plot(line["i"], line["mean"], "_", color=WINNER if line["winner"] else "black", markersize=18, mew=2)
        if not values:
            axes.text(line["i"], 0.5, "diverged", rotation=90, ha="center", transform=axes.get_xaxis_transform())
    axes.set_xticks([line["i"] for line in lines], [_described(line, sweep) for line in lines], fontsize=6.5)
    axes.set_xlim(-0.6, max(line["i"] for line in lines) + 0.6)
    axes.grid(False, axis="x")
    init = ", init lr x steps" if sweep.config.four_stage else ""
    axes.set(title=_title(f"stage {EXTRA_SEEDS_STAGE}, all seeds", metric), xlabel=f"train lr, budget{init}")


def _title(stage: str, metric: Metric) -> str:
    return f"{stage}\n{metric.name.removeprefix('validation/')}"


def _described(line: dict[str, Any], sweep: DecidedSweep) -> str:
    train = f"{learning_rate(line['train_lr'])}\n{line['train_budget']:,}"
    if not sweep.config.four_stage:
        return train
    init = f"{learning_rate(line['init_lr'])} x {line['init_steps']:,}" if line["init_steps"] else "no init"
    return f"{train}\n{init}"
