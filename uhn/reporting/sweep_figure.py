"""A figure per sweep: the validation metric over the grid of each stage, and the seeds of the best three."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from uhn.errors import UserError
from uhn.files import write_bytes
from uhn.reporting.sweep_frame import Outcome
from uhn.reporting.sweep_tables import LABELS, rate
from uhn.sweeps.grids import EXTRA_SEEDS_STAGE, Metric, Slot
from uhn.sweeps.selection import Selection

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AXES = {1: ("train_lr", "train_budget"), 2: ("init_lr", "init_steps"), 3: ("train_lr", "train_budget")}
# Both are seen where both are the same candidate.
FRAMES = {
    "winner": {"edgecolor": "#d62728", "linewidth": 3, "zorder": 3},
    "paper": {"edgecolor": "black", "linewidth": 1.5, "linestyle": "--", "zorder": 4},
}
STYLE = {"font.size": 8, "axes.titlesize": 9, "pdf.fonttype": 42}


def publish_sweep_figure(outcome: Outcome, stem: Path) -> list[Path]:
    """Write ``<stem>.csv`` (every number drawn), ``.pdf`` and ``.png``.

    Raises:
        UserError: the sweep has not been run up to the end of its search.
    """
    import matplotlib.style

    frame = grid_frame(outcome)
    with matplotlib.style.context(["default", STYLE]):
        figure = draw_stages(outcome, frame)
        images = {ending: _rendered(figure, ending) for ending in ("pdf", "png")}
    contents = {"csv": frame.to_csv(index=False, lineterminator="\n").encode(), **images}
    paths = [stem.with_suffix(f".{ending}") for ending in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        write_bytes(path, content)
    return paths


def grid_frame(outcome: Outcome) -> pd.DataFrame:
    """Return one line per stage, slot and metric: the slot's values, mean, population std, seeds and status.

    Status is ``ranked``, ``dropped`` (mean and std are NaN if a seed diverged) or ``skipped`` (with the numbers of the
    candidate that stands for it). ``winner`` and ``paper`` mark our choice of the whole sweep and the paper's.

    Raises:
        UserError: the sweep has not been run up to the end of its search.
    """
    if outcome.search is None:
        raise UserError(f"sweep {outcome.sweep.name}: no selection of stage {outcome.sweep.last_search_stage} to draw")
    search = outcome.search
    lines = []
    for stage in outcome.sweep.stages:
        if stage != EXTRA_SEEDS_STAGE:
            for slot in outcome.sweep.slots(stage):
                lines += _slot_lines(outcome, search, slot, slot)
        elif outcome.finished:
            for slot, entry in zip(outcome.sweep.slots(stage), search.ranking, strict=False):
                lines += _slot_lines(outcome, outcome.selections[-1], slot, entry.candidate.slot)
    return pd.DataFrame(lines)


def draw_stages(outcome: Outcome, frame: pd.DataFrame) -> Figure:
    """Draw one row of panels per metric and one column per stage; brighter is better."""
    from matplotlib.figure import Figure

    metrics, stages = outcome.sweep.metrics, [s for s in outcome.sweep.stages if s in set(frame["stage"])]
    figure = Figure(figsize=(2.6 * len(stages), 2.4 * len(metrics)), layout="constrained")
    panels = figure.subplots(len(metrics), len(stages), squeeze=False)
    for metric, row in zip(metrics, panels, strict=True):
        lines = frame[frame["metric"] == metric.name]
        limits = lines["mean"].min(), lines["mean"].max()
        for stage, axes in zip(stages, row, strict=True):
            own = lines[lines["stage"] == stage].to_dict("records")
            if stage == EXTRA_SEEDS_STAGE:
                _draw_extra_seeds(axes, own, metric, outcome)
            else:
                _draw_grid(axes, own, metric, outcome, stage, limits)
    title = f"{outcome.sweep.name}, {outcome.search.scale} scale: validation metric, mean over seeds"
    figure.suptitle(f"{title}\nred: our choice, dashed: the paper's", fontsize=8)
    return figure


def _slot_lines(outcome: Outcome, selection: Selection, slot: Slot, ran: Slot) -> list[dict[str, Any]]:
    """Return the lines of a slot whose candidate ran as ``ran``, one per metric."""
    skipped = {one.slot: one for one in selection.skipped}
    note = skipped[slot].reason if slot in skipped else ""
    ran = skipped[slot].same_as or slot if slot in skipped else ran
    scored = next((one.candidate for one in selection.ranking if one.candidate.slot == ran), None)
    dropped = next((one for one in selection.dropped if one.slot == ran), None)
    one = scored or dropped
    status = "skipped" if slot in skipped else "ranked" if scored else "dropped"
    lines = []
    for metric in outcome.sweep.metrics:
        values = one.values.get(metric.name, ()) if one else ()
        stats = pd.Series(values, dtype=float)
        lines.append(
            {
                "sweep": outcome.sweep.name,
                "stage": slot.stage,
                "slot": slot.name,
                "i": slot.i,
                "j": slot.j,
                **(one.hyperparameters.to_dict() if one else {}),
                "metric": metric.name,
                "mean": stats.mean(),
                "std": stats.std(ddof=0),
                "values": " ".join(f"{value:.9g}" for value in values),
                "status": status,
                "note": dropped.reason if dropped else note,
                "winner": one is not None and one.hyperparameters == outcome.winner,
                "paper": one is not None and one.hyperparameters == outcome.published,
            }
        )
    return lines


def _draw_grid(
    axes: Axes,
    lines: Sequence[dict[str, Any]],
    metric: Metric,
    outcome: Outcome,
    stage: int,
    limits: tuple[float, float],
) -> None:
    """Draw a stage's candidates as tiles with their metric; hatched where one diverged, framed where it won."""
    import matplotlib as mpl
    from matplotlib.patches import Rectangle

    low, high = limits
    colours = mpl.colormaps["viridis" if metric.higher_is_better else "viridis_r"]
    for line in lines:
        corner, value = (line["j"] - 0.5, line["i"] - 0.5), line["mean"]
        known = not pd.isna(value)
        colour = colours((value - low) / (high - low) if known and high > low else 0.5) if known else "white"
        axes.add_patch(
            Rectangle(corner, 1, 1, facecolor=colour, edgecolor="0.4" if not known else "white", hatch=_hatch(line))
        )
        for choice, frame in FRAMES.items():
            if line[choice]:
                axes.add_patch(Rectangle(corner, 1, 1, fill=False, **frame))
        text = f"{value:.4g}" if known else "diverged"
        suffix = {"skipped": "\n(ran before)", "dropped": "\n(dropped)" if known else ""}.get(line["status"], "")
        dark = known and sum(colour[:3]) < 1.4
        axes.text(
            *(line["j"], line["i"], text + suffix),
            ha="center",
            va="center",
            fontsize=6.5,
            color="white" if dark else "black",
        )
    names, values = AXES[stage], outcome.sweep.axes(stage)
    axes.set_xlim(-0.5, len(values[1]) - 0.5)
    axes.set_ylim(len(values[0]) - 0.5, -0.5)
    axes.set_xticks(range(len(values[1])), [f"{value:,}" for value in values[1]])
    axes.set_yticks(range(len(values[0])), [rate(value) for value in values[0]])
    unit = f", {outcome.sweep.budget_unit}" if names[1] == "train_budget" else ""
    axes.set(
        xlabel=LABELS[names[1]] + unit,
        ylabel=LABELS[names[0]],
        title=_title(f"stage {stage}", metric),
    )


def _draw_extra_seeds(axes: Axes, lines: Sequence[dict[str, Any]], metric: Metric, outcome: Outcome) -> None:
    """Draw every seed of the best three and their means; a candidate with a diverged seed has none."""
    for line in lines:
        values = [float(value) for value in line["values"].split()]
        axes.plot([line["i"]] * len(values), values, "o", fillstyle="none", color="C0", markersize=4)
        axes.plot(line["i"], line["mean"], "_", color="C3" if line["winner"] else "black", markersize=18, mew=2)
        if not values:
            axes.text(line["i"], 0.5, "diverged", rotation=90, ha="center", transform=axes.get_xaxis_transform())
    axes.set_xticks([line["i"] for line in lines], [_described(line, outcome) for line in lines], fontsize=6.5)
    axes.set_xlim(-0.6, max(line["i"] for line in lines) + 0.6)
    init = ", init lr x steps" if outcome.sweep.four_stage else ""
    axes.set(title=_title(f"stage {EXTRA_SEEDS_STAGE}, all seeds", metric), xlabel=f"train lr, budget{init}")
    axes.grid(axis="y", color="0.92")


def _title(stage: str, metric: Metric) -> str:
    return f"{stage}\n{metric.name.removeprefix('validation/')}"


def _hatch(line: dict[str, Any]) -> str:
    return "////" if pd.isna(line["mean"]) else ""


def _described(line: dict[str, Any], outcome: Outcome) -> str:
    train = f"{rate(line['train_lr'])}\n{line['train_budget']:,}"
    if not outcome.sweep.four_stage:
        return train
    init = f"{rate(line['init_lr'])} x {line['init_steps']:,}" if line["init_steps"] else "no init"
    return f"{train}\n{init}"


def _rendered(figure: Figure, ending: str) -> bytes:
    """Render without dates and program versions, so that the same sweep gives the same bytes."""
    metadata = {"png": {"Software": None}, "pdf": {"CreationDate": None, "Creator": None, "Producer": None}}
    buffer = io.BytesIO()
    figure.savefig(buffer, format=ending, dpi=160, metadata=metadata[ending])
    return buffer.getvalue()
