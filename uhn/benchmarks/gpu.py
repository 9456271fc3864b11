"""Generation on a GPU against the release's arithmetic there: rounds, ratios, a table."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from tqdm import tqdm

from uhn.benchmarks.driver import run_child
from uhn.benchmarks.gpu_variants import VARIANTS
from uhn.benchmarks.output import STEPS, machine_line, ratio, target_section
from uhn.benchmarks.summary import paired_ratios, spread
from uhn.errors import UserError

# (target, variant) -> what its workers printed, one entry a round
Samples = dict[tuple[str, str], list[dict[str, Any]]]


def run_gpu_rounds(
    targets: Sequence[str], variants: Sequence[str], rounds: int, seconds: float, options: Sequence[str] = ()
) -> tuple[Samples, dict[tuple[str, str], str]]:
    """Measure all variants of all targets in round 1, all in round 2, and so on.

    What fails once, for lack of memory or of a compiler, is left out from then on.

    Args:
        targets, variants: names.
        rounds: number of rounds.
        seconds: time that a worker fills with each kind of step.
        options: further arguments of the workers.

    Returns:
        The samples, and why the missing ones failed.

    Raises:
        UserError: ``released`` fails, with which all others are compared.
    """
    samples: Samples = {(target, variant): [] for target in targets for variant in variants}
    failed: dict[tuple[str, str], str] = {}
    with tqdm(total=rounds * len(samples), unit="worker", disable=None, file=sys.stderr) as bar:
        for _ in range(rounds):
            for case, own in samples.items():
                bar.update()
                if case in failed:
                    continue
                try:
                    arguments = [*case, "--seconds", str(seconds), *options]
                    own.append(run_child("uhn.benchmarks.gpu_worker", arguments))
                except UserError as error:
                    if case[1] == "released":
                        raise
                    failed[case] = str(error)
    return {case: own for case, own in samples.items() if case not in failed}, failed


def compare_gpu(samples: Samples) -> list[dict[str, Any]]:
    """Describe every case, its steps against those of ``released`` on the same target in the same round."""
    rows = []
    for (target, variant), own in samples.items():
        reference = samples[target, "released"]
        row: dict[str, Any] = {
            "target": target,
            "variant": variant,
            **{key: own[0][key] for key in ("num_scalars", "frequencies", "hidden_dim", "flop")},
            "rounds": len(own),
            "first_step_s": median(sample["first_step_s"] for sample in own),
            "peak_bytes": max(sample["peak_bytes"] for sample in own),
        }
        row["share_of_peak_bytes"] = row["peak_bytes"] / max(*(sample["peak_bytes"] for sample in reference), 1)
        for step in STEPS:
            seconds, theirs = ([median(sample[f"{step}_s"]) for sample in chosen] for chosen in (own, reference))
            ratios = spread(paired_ratios(theirs, seconds))
            row[f"{step}_s"] = median(seconds)
            row |= {f"{step}_speedup{suffix}": r for suffix, r in zip(("", "_min", "_max"), ratios, strict=True)}
        row["share_of_product_peak"] = median(
            sample["flop"] / median(sample["generator_s"]) / sample["product_flop_per_s"] for sample in own
        )
        rows.append(row)
    return rows


def gpu_markdown(
    rows: Sequence[Mapping[str, Any]],
    failed: Mapping[tuple[str, str], str],
    machine: Mapping[str, Any],
    precision: str,
) -> str:
    """Lay out the comparison: one section per target."""
    lines = [
        "# Steps on a GPU",
        "",
        f"{machine_line(machine)} GPU: {machine['gpu']}. Autocast: {precision}.",
        "",
        *(f"A {step} step {what}.\n" for step, what in STEPS.items()),
        "Wall-clock milliseconds of a step in blocks of steps, median over blocks, then over rounds "
        f"(rounds: {rows[0]['rounds']}, variants interleaved, one process per measurement). Speed-up: those of "
        "`released` over those of the variant in the same round; median (smallest to largest round). Memory: peak of "
        "what torch allocated. Peak: the variant's own arithmetic in a generator step, as a share of the rate of a "
        "large square product in the same precision.",
        "",
        *(f"- `{name}`: {VARIANTS[name].description}" for name in dict.fromkeys(row["variant"] for row in rows)),
        "",
    ]
    for target in dict.fromkeys(row["target"] for row in rows):
        own = [row for row in rows if row["target"] == target]
        lines += target_section(COLUMNS, own)
        lines += [f"`{case[1]}` is missing: {reason}\n" for case, reason in failed.items() if case[0] == target]
    return "\n".join(lines)


COLUMNS = {
    "variant": lambda row: f"`{row['variant']}`",
    "generator step, ms": lambda row: f"{1e3 * row['generator_s']:.4g}",
    "speed-up": lambda row: ratio(row, "generator_speedup"),
    "training step, ms": lambda row: f"{1e3 * row['training_s']:.4g}",
    "speed-up ": lambda row: ratio(row, "training_speedup"),
    "memory, MB": lambda row: f"{row['peak_bytes'] / 1e6:,.0f}",
    "of released": lambda row: f"{row['share_of_peak_bytes']:.0%}",
    "GFLOP": lambda row: f"{row['flop'] / 1e9:.3g}",
    "of peak": lambda row: f"{row['share_of_product_peak']:.0%}",
    "first step, s": lambda row: f"{row['first_step_s']:.2f}",
}
