"""Tables of a benchmark: every column as CSV, the readable ones as Markdown under the machine's facts."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from uhn.benchmarks.cases import ALLOCATORS, Left
from uhn.benchmarks.variants import DESCRIPTIONS
from uhn.files import write_bytes

Row = Mapping[str, Any]
STEPS = {
    "generator": "generates all N scalars and backpropagates a fixed random linear functional of them to all "
    "parameters",
    "training": "generates all N scalars, runs the target on a synthetic batch of the true size, backpropagates its "
    "loss and updates the generator (fused AdamW)",
}


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write all columns."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())


def machine_line(machine: Row) -> str:
    """Say where the numbers were measured."""
    commit = str(machine["commit"])[:12] + (" with local changes" if machine["dirty"] else "")
    return (
        f"Machine: {machine['cpu']}, {machine['cores']} cores, {machine['platform']}. Python {machine['python']}, "
        f"torch {machine['torch']}, commit {commit}."
    )


def machine_text(machine: Row, rounds: int) -> str:
    """Say where and how the costs of steps were measured."""
    threads = f"{machine['threads']} thread" + ("s" if machine["threads"] != 1 else "")
    return (
        f"{machine_line(machine)} One process per measurement, {threads}, float32; CPU seconds, medians over steps, "
        f"then over rounds (rounds: {rounds}); variants interleaved. "
        f"Measured peaks: {machine['gemm_flop_per_s'] / 1e9:.0f} GFLOP/s (square matrix product), "
        f"{machine['copy_bytes_per_s'] / 1e9:.0f} GB/s (copy, read and write)."
    )


def comparison_markdown(step: str, rows: Sequence[Row], left: Sequence[Left], machine: Row) -> str:
    """Lay out a comparison: one section per target."""
    tuned = " ".join(f"`{name}={value}`" for name, value in ALLOCATORS["tuned"].items())
    lines = [
        f"# {step.capitalize()} step",
        "",
        f"A step {STEPS[step]}.",
        "",
        machine_text(machine, rows[0]["rounds"]),
        "",
        "Speed-up: CPU seconds of `released` over those of the variant, in the same round; median (smallest to "
        f"largest round). Tuned allocator: {tuned}. Memory: peak resident size above that after imports. Rate: "
        "arithmetic of the variant's own algorithm per CPU second of generation; floor: the time of this arithmetic "
        "at the measured product peak or of the unavoidable memory traffic at the copy peak, whichever is longer.",
        "",
        *(f"- `{name}`: {DESCRIPTIONS[name]}" for name in dict.fromkeys(row["variant"] for row in rows)),
        "",
    ]
    for target in dict.fromkeys(row["target"] for row in rows):
        own = [row for row in rows if row["target"] == target]
        lines += target_section(_comparison_columns(step), own)
        every = max(row["measured_every"] for row in own)
        if every > 1:
            lines += [
                f"`released` was measured on one of every {every} rows, and its time and memory scaled: the features "
                "of all rows do not fit the memory that was free.",
                "",
            ]
        lines += [f"`{item.case.variant}` is missing: {item.reason}.\n" for item in left if item.case.target == target]
    return "\n".join(lines)


def target_section(columns: Mapping[str, Any], rows: Sequence[Row]) -> list[str]:
    """Return the lines of a section on one target: its sizes and its rows."""
    first = rows[0]
    sizes = f"N = {first['num_scalars']:,}, F = {first['frequencies']}, d = {first['hidden_dim']}"
    return [f"## {first['target']}", "", sizes, "", *markdown_table(columns, rows), ""]


def scaling_markdown(rows: Sequence[Row], machine: Row) -> str:
    """Lay out the scaling benchmark: one table per series."""
    titles = {
        "N": "Number of scalars (stacks of equal 3 x 3 convolutions, conv<layers>x<width>)",
        "F": "Frequencies F",
        "d": "Hidden width d",
    }
    lines = [
        "# Scaling of the generator step (`auto`)",
        "",
        machine_text(machine, rows[0]["rounds"]),
        "",
        "Memory: peak resident size; above: without that after imports. A step without warm-up includes first-touch "
        "costs.",
        "",
    ]
    columns = {
        "target": lambda row: f"`{row['target']}`",
        "N": lambda row: f"{row['num_scalars']:,}",
        "F": lambda row: str(row["frequencies"]),
        "d": lambda row: str(row["hidden_dim"]),
        "warm-up": lambda row: str(row["warmup_steps"]),
        "CPU s": lambda row: f"{row['cpu_s']:.4g}",
        "µs/scalar": lambda row: f"{1e6 * row['cpu_s_per_scalar']:.2f}",
        "memory, GB": lambda row: f"{row['peak_bytes'] / 1e9:.2f}",
        "above, GB": lambda row: f"{row['extra_bytes'] / 1e9:.2f}",
        "GFLOP/s": _rate,
        "setup, s": lambda row: f"{row['setup_cpu_s']:.2f}",
    }
    for sweep, title in titles.items():
        own = [row for row in rows if row["sweep"] == sweep]
        lines += [f"## {title}", "", *markdown_table(columns, own), ""]
    return "\n".join(lines)


def _comparison_columns(step: str) -> dict[str, Any]:
    columns = {
        "variant": lambda row: f"`{row['variant']}`",
        "allocator": lambda row: row["allocator"],
        "CPU s": lambda row: f"{row['cpu_s']:.4g}",
        "of it generation": lambda row: f"{row['generator_cpu_s'] / row['cpu_s']:.0%}",
        "speed-up": lambda row: ratio(row, "speedup_default"),
        "against tuned": lambda row: ratio(row, "speedup_tuned"),
        "memory, MB": lambda row: f"{row['extra_bytes'] / 1e6:,.0f}",
        "of released": lambda row: f"{row['share_of_extra_bytes']:.0%}",
        "µs/scalar": lambda row: f"{1e6 * row['cpu_s_per_scalar']:.2f}",
        "GFLOP": lambda row: f"{row['flop'] / 1e9:.3g}",
        "GFLOP/s": _rate,
        "floor, s": lambda row: f"{row['least_s']:.3g}",
    }
    if step == "generator":
        del columns["of it generation"]
    return columns


def _rate(row: Row) -> str:
    return f"{row['flop_per_s'] / 1e9:.1f} ({row['share_of_gemm_peak']:.0%})"


def ratio(row: Row, key: str) -> str:
    """Return a ratio with its spread over the rounds."""
    return f"{row[key]:.2f} ({row[key + '_min']:.2f} to {row[key + '_max']:.2f})"


def markdown_table(columns: Mapping[str, Any], rows: Sequence[Row]) -> list[str]:
    """Return the lines of a table: a function of the row for each column."""
    fields = [list(columns), ["--:"] * len(columns), *([render(row) for render in columns.values()] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in fields]
