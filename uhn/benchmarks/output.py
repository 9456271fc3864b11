"""Tables of a benchmark: every column as CSV, the readable ones as Markdown under the machine's facts."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from uhn.benchmarks.cases import ALLOCATORS, Missing
from uhn.benchmarks.routes import CPU, GPU, ROUTES
from uhn.files import write_bytes

Row = Mapping[str, Any]
Columns = Mapping[str, Callable[[Row], str]]
STEPS = {
    "generator": "generates all N scalars and backpropagates a fixed random linear functional of them to all "
    "parameters",
    "training": "generates all N scalars, runs the target on a synthetic batch of the true size, backpropagates its "
    "loss and updates the generator (fused AdamW)",
}
CLOCKS = {CPU: "CPU seconds", GPU: "wall-clock milliseconds"}
SWEEPS = {
    "N": "Number of scalars (stacks of equal 3 x 3 convolutions, conv<layers>x<width>)",
    "F": "Frequencies F",
    "d": "Hidden width d",
}
# Every column of every table
CELLS: Columns = {
    "target": lambda row: f"`{row['target']}`",
    "route": lambda row: f"`{row['route']}`",
    "allocator": lambda row: row["allocator"],
    "N": lambda row: f"{row['num_scalars']:,}",
    "F": lambda row: str(row["frequencies"]),
    "d": lambda row: str(row["hidden_dim"]),
    "warm-up": lambda row: str(row["warmup_steps"]),
    "CPU s": lambda row: f"{row['cpu_s']:.4g}",
    "ms": lambda row: f"{1e3 * row['wall_s']:.4g}",
    "of it generation": lambda row: f"{row['generator_s'] / row['cpu_s']:.0%}",
    "speed-up": lambda row: ratio(row, "speedup_default"),
    "against tuned": lambda row: ratio(row, "speedup_tuned"),
    "memory, MB": lambda row: f"{row['extra_bytes'] / 1e6:,.0f}",
    "of released": lambda row: f"{row['share_of_extra_bytes']:.0%}",
    "memory, GB": lambda row: f"{row['peak_bytes'] / 1e9:.2f}",
    "above, GB": lambda row: f"{row['extra_bytes'] / 1e9:.2f}",
    "µs/scalar": lambda row: f"{1e6 * row['s_per_scalar']:.2f}",
    "GFLOP": lambda row: f"{row['flop'] / 1e9:.3g}",
    "GFLOP/s": lambda row: f"{row['flop_per_s'] / 1e9:.1f} ({row['share_of_gemm_peak']:.0%})",
    "floor, s": lambda row: f"{row['least_s']:.3g}",
    "setup, s": lambda row: f"{row['setup_cpu_s']:.2f}",
    "first step, s": lambda row: f"{row['first_step_s']:.2f}",
}
MEMORY = ("memory, MB", "of released")
RATES = ("µs/scalar", "GFLOP", "GFLOP/s")
COMPARED = {
    (CPU, "generator"): ("allocator", "CPU s", "speed-up", "against tuned", *MEMORY, *RATES, "floor, s"),
    (CPU, "training"): (
        *("allocator", "CPU s", "of it generation", "speed-up", "against tuned", *MEMORY, *RATES, "floor, s"),
    ),
    (GPU, "generator"): ("ms", "speed-up", *MEMORY, *RATES, "first step, s"),
    (GPU, "training"): ("ms", "speed-up", *MEMORY, "first step, s"),
}
SCALED = ("target", "N", "F", "d", "warm-up", "CPU s", "µs/scalar", "memory, GB", "above, GB", "GFLOP/s", "setup, s")


def publish(stem: Path, rows: Sequence[Row], markdown: str) -> list[Path]:
    """Write all columns of the rows as CSV, and the Markdown; return the two files."""
    paths = [stem.with_suffix(".csv"), stem.with_suffix(".md")]
    write_csv(paths[0], rows)
    write_bytes(paths[1], markdown.encode())
    return paths


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write all columns; a cell is empty where a row lacks the number."""
    text = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_bytes(path, text.getvalue().encode())


def machine_line(machine: Row) -> str:
    """Say where the numbers were measured."""
    commit = str(machine["commit"])[:12] + (" with local changes" if machine["dirty"] else "")
    gpu = f" GPU: {machine['gpu']}." if machine["gpu"] else ""
    return (
        f"Machine: {machine['cpu']}, {machine['cores']} cores, {machine['platform']}.{gpu} Python {machine['python']}, "
        f"torch {machine['torch']}, commit {commit}."
    )


def machine_text(machine: Row, rounds: int) -> str:
    """Say where and how the costs of steps were measured."""
    threads = f"{machine['threads']} thread" + ("s" if machine["threads"] != 1 else "")
    return (
        f"{machine_line(machine)} One process per measurement, {threads}, {machine['precision']}; "
        f"{CLOCKS[machine['device']]} of a step, medians over blocks of steps, then over rounds (rounds: {rounds}); "
        f"routes interleaved. Measured peaks: {machine['gemm_flop_per_s'] / 1e9:.0f} GFLOP/s (square matrix product), "
        f"{machine['copy_bytes_per_s'] / 1e9:.0f} GB/s (copy, read and write)."
    )


def comparison_markdown(rows: Sequence[Row], missing: Sequence[Missing], machine: Row) -> str:
    """Lay out a comparison on one device: a section for each step and target."""
    device = machine["device"]
    steps = list(dict.fromkeys(row["step"] for row in rows))
    lines = [
        f"# {' and '.join(steps).capitalize()} step" + (" on a GPU" if device == GPU else ""),
        "",
        *(f"A {step} step {STEPS[step]}.\n" for step in steps),
        machine_text(machine, rows[0]["rounds"]),
        "",
        _explanation(device),
        "",
        *(f"- `{name}`: {ROUTES[name].description}" for name in dict.fromkeys(row["route"] for row in rows)),
        "",
    ]
    for step, target in dict.fromkeys((row["step"], row["target"]) for row in rows):
        chosen = [row for row in rows if (row["step"], row["target"]) == (step, target)]
        first = chosen[0]
        columns = ("route", *COMPARED[device, step])
        lines += [
            f"## {target}" + (f", {step} step" if len(steps) > 1 else ""),
            "",
            f"N = {first['num_scalars']:,}, F = {first['frequencies']}, d = {first['hidden_dim']}",
            "",
            *markdown_table({name: CELLS[name] for name in columns}, chosen),
            "",
        ]
        every = max(row["measured_every"] for row in chosen)
        if every > 1:
            lines += [
                f"`released` was measured on one of every {every} rows, and its time and memory scaled: the features "
                "of all rows do not fit the memory that was free.",
                "",
            ]
        lines += [
            f"`{one.case.route}` is missing: {one.reason}.\n"
            for one in missing
            if (one.case.step, one.case.target) == (step, target)
        ]
    return "\n".join(lines)


def _explanation(device: str) -> str:
    """Say what the columns are."""
    speedup = (
        f"Speed-up: {CLOCKS[device]} of `released` over those of the route, in the same round; median (smallest to "
        "largest round)."
    )
    rate = "Rate: arithmetic of the route's own algorithm per second of generation"
    if device == GPU:
        return (
            f"{speedup} Memory: peak of what torch allocated. {rate}, with its share of the measured product peak, in "
            "generator steps. First step: with preparation and compilation."
        )
    tuned = " ".join(f"`{name}={value}`" for name, value in ALLOCATORS["tuned"].items())
    return (
        f"{speedup} Tuned allocator: {tuned}. Memory: peak resident size above that after imports. {rate}; floor: the "
        "time of this arithmetic at the measured product peak or of the unavoidable memory traffic at the copy peak, "
        "whichever is longer."
    )


def scaling_markdown(rows: Sequence[Row], machine: Row) -> str:
    """Lay out the scaling benchmark: one table per series."""
    lines = [
        "# Scaling of the generator step (`auto`)",
        "",
        machine_text(machine, rows[0]["rounds"]),
        "",
        "Memory: peak resident size; above: without that after imports. A step without warm-up includes first-touch "
        "costs.",
        "",
    ]
    for sweep, title in SWEEPS.items():
        series = [row for row in rows if row["sweep"] == sweep]
        lines += [f"## {title}", "", *markdown_table({name: CELLS[name] for name in SCALED}, series), ""]
    return "\n".join(lines)


def ratio(row: Row, key: str) -> str:
    """Return a ratio with its spread over the rounds."""
    return f"{row[key]:.2f} ({row[key + '_min']:.2f} to {row[key + '_max']:.2f})"


def markdown_table(columns: Columns, rows: Sequence[Row]) -> list[str]:
    """Return the lines of a table: a function of the row for each column."""
    fields = [list(columns), ["--:"] * len(columns), *([render(row) for render in columns.values()] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in fields]
