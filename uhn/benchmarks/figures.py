"""Figures of a benchmark, told apart by marker and label rather than by colour."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from uhn.files import write_bytes

Row = Mapping[str, Any]

STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "pdf.fonttype": 42}
MARKERS = ("|", "x", "o", "s", "^", "D")
FILLS = ("none", "none", "none", "none", "full", "full")


def speedup_figure(rows: Sequence[Row]) -> Figure:
    """Draw the speed-up of each route over ``released``, target by target, on a logarithmic axis."""
    scalars = {row["target"]: row["num_scalars"] for row in rows}
    targets = list(scalars)
    labels = list(dict.fromkeys(_label(row) for row in rows))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7, 1.3 + 0.75 * len(targets)), layout="constrained")
        for i, label in enumerate(labels):
            series = [row for row in rows if _label(row) == label]
            # Routes of one target lie below each other, so that equal values do not hide one another.
            heights = [targets.index(row["target"]) + 0.13 * (i - (len(labels) - 1) / 2) for row in series]
            values, lows, highs = ([row[f"speedup_default{end}"] for row in series] for end in ("", "_min", "_max"))
            axes.errorbar(
                values,
                heights,
                xerr=(np.subtract(values, lows), np.subtract(highs, values)),
                fmt=MARKERS[i % len(MARKERS)],
                fillstyle=FILLS[i % len(FILLS)],
                color=f"C{i}",
                markersize=6,
                linewidth=1,
                label=label,
            )
            if label == "auto":
                for value, high, height in zip(values, highs, heights, strict=True):
                    axes.annotate(f"{value:.1f}×", (high, height), (6, 0), textcoords="offset points", va="center")
        axes.axvline(1, color="0.6", linewidth=0.8, zorder=0)
        axes.set_xscale("log")
        top = max(row["speedup_default_max"] for row in rows)
        ticks = [tick for tick in (0.25, 0.5, 1, 2, 3, 5, 10, 20, 50) if tick <= 1.5 * top]
        axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlim(right=1.35 * top)
        axes.set_yticks(range(len(targets)), [f"{name}\nN = {count:,}" for name, count in scalars.items()])
        axes.set_ylim(len(targets) - 0.5, -0.5)
        axes.grid(axis="x", color="0.9", linewidth=0.6)
        axes.set_xlabel("speed-up of a generator step over released, CPU time, median and range of rounds")
        figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def scaling_figure(rows: Sequence[Row]) -> Figure:
    """Draw time per scalar and memory over N, and time over F and d, on logarithmic axes."""
    by_sweep = {sweep: [row for row in rows if row["sweep"] == sweep] for sweep in ("N", "F", "d")}
    by_width: dict[str, list[Row]] = {}
    for row in by_sweep["N"]:
        by_width.setdefault(row["target"].split("x")[1], []).append(row)
    with plt.rc_context(STYLE):
        figure, (time, memory, sizes) = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
        for (width, series), marker in zip(by_width.items(), "s^D", strict=False):
            counts = [row["num_scalars"] for row in series]
            style = {"marker": marker, "fillstyle": "none", "label": f"{width} channels"}
            time.plot(counts, [1e6 * row["s_per_scalar"] for row in series], **style)
            memory.plot(counts, [row["peak_bytes"] / 1e9 for row in series], **style)
        for sweep, key, marker in (("F", "frequencies", "o"), ("d", "hidden_dim", "x")):
            series = by_sweep[sweep]
            seconds = [row["cpu_s"] for row in series]
            sizes.plot([row[key] for row in series], seconds, f"{marker}-", label=f"over {sweep}")
        time.set(xlabel="scalars N", ylabel="CPU µs per scalar")
        memory.set(xlabel="scalars N", ylabel="peak memory, GB")
        sizes.set(xlabel=f"F or d ({by_sweep['F'][0]['target']})", ylabel="CPU s per step")
        for panel in (time, memory, sizes):
            panel.set_xscale("log", base=2 if panel is sizes else 10)
            panel.set_yscale("log")
            panel.grid(color="0.9", linewidth=0.6)
        for panel in (time, sizes):
            panel.legend(frameon=False)
        time.set_ylim(0.1, 100)
    return figure


def save(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PDF and PNG, and close it."""
    paths = [stem.with_suffix(suffix) for suffix in (".pdf", ".png")]
    for path in paths:
        image = io.BytesIO()
        figure.savefig(image, format=path.suffix[1:], dpi=200)
        write_bytes(path, image.getvalue())
    plt.close(figure)
    return paths


def _label(row: Row) -> str:
    return row["route"] if row["allocator"] == "default" else f"{row['route']}, {row['allocator']} allocator"
