"""Figures of a benchmark, told apart by marker and label rather than by colour."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from uhn.files import write_bytes

Row = Mapping[str, Any]

STYLE = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "pdf.fonttype": 42}
MARKERS = ("|", "x", "o", "s", "^", "D")
FILLS = ("none", "none", "none", "none", "full", "full")


def speedup_figure(rows: Sequence[Row]) -> Figure:
    """Draw the speed-up of each variant over ``released``, target by target, on a logarithmic axis."""
    targets = list(dict.fromkeys(row["target"] for row in rows))
    labels = list(dict.fromkeys(_label(row) for row in rows))
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(7, 1.3 + 0.75 * len(targets)), layout="constrained")
        for place, label in enumerate(labels):
            own = [row for row in rows if _label(row) == label]
            # Variants of one target lie below each other, so that equal values do not hide one another.
            heights = [targets.index(row["target"]) + 0.13 * (place - (len(labels) - 1) / 2) for row in own]
            values = [row["speedup_default"] for row in own]
            low = [row["speedup_default"] - row["speedup_default_min"] for row in own]
            high = [row["speedup_default_max"] - row["speedup_default"] for row in own]
            axes.errorbar(
                *(values, heights),
                xerr=[low, high],
                fmt=MARKERS[place % len(MARKERS)],
                fillstyle=FILLS[place % len(FILLS)],
                color=f"C{place}",
                markersize=6,
                linewidth=1,
                label=label,
            )
            if label == "auto":
                for value, right, height in zip(values, high, heights, strict=True):
                    axes.annotate(
                        f"{value:.1f}×", (value + right, height), (6, 0), textcoords="offset points", va="center"
                    )
        axes.axvline(1, color="0.6", linewidth=0.8, zorder=0)
        axes.set_xscale("log")
        top = max(row["speedup_default_max"] for row in rows)
        ticks = [tick for tick in (0.25, 0.5, 1, 2, 3, 5, 10, 20, 50) if tick <= 1.5 * top]
        axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlim(right=1.35 * top)
        axes.set_yticks(range(len(targets)), [f"{name}\nN = {_size(rows, name):,}" for name in targets])
        axes.set_ylim(len(targets) - 0.5, -0.5)
        axes.grid(axis="x", color="0.9", linewidth=0.6)
        axes.set_xlabel("speed-up of a generator step over released, CPU time, median and range of rounds")
        figure.legend(loc="outside upper center", ncols=3, frameon=False)
    return figure


def scaling_figure(rows: Sequence[Row]) -> Figure:
    """Draw time per scalar and memory over N, and time over F and d, on logarithmic axes."""
    by_sweep = {sweep: [row for row in rows if row["sweep"] == sweep] for sweep in ("N", "F", "d")}
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
        sizes = by_sweep["N"]
        widths = list(dict.fromkeys(row["target"].split("x")[1] for row in sizes))
        for width, marker in zip(widths, "s^D", strict=False):
            own = [row for row in sizes if row["target"].split("x")[1] == width]
            counts = [row["num_scalars"] for row in own]
            for panel, values in (
                (axes[0], [1e6 * row["cpu_s_per_scalar"] for row in own]),
                (axes[1], [row["peak_bytes"] / 1e9 for row in own]),
            ):
                panel.plot(counts, values, f"{marker}-", fillstyle="none", label=f"{width} channels")
        axes[0].set(xlabel="scalars N", ylabel="CPU µs per scalar")
        axes[1].set(xlabel="scalars N", ylabel="peak memory, GB")
        axes[0].legend(frameon=False)
        for sweep, key, marker in (("F", "frequencies", "o"), ("d", "hidden_dim", "x")):
            own = by_sweep[sweep]
            counts = [row[key] for row in own]
            axes[2].plot(counts, [row["cpu_s"] for row in own], f"{marker}-", label=f"over {sweep}")
        axes[2].set(xlabel=f"F or d ({by_sweep['F'][0]['target']})", ylabel="CPU s per step")
        axes[2].legend(frameon=False)
        for panel in axes:
            panel.set_xscale("log", base=2 if panel is axes[2] else 10)
            panel.set_yscale("log")
            panel.grid(color="0.9", linewidth=0.6)
        axes[0].set_ylim(0.1, 100)
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
    return row["variant"] if row["allocator"] == "default" else f"{row['variant']}, {row['allocator']} allocator"


def _size(rows: Sequence[Row], target: str) -> int:
    return next(row["num_scalars"] for row in rows if row["target"] == target)
