"""From workers' samples to ratios and rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from uhn.benchmarks.cases import ALLOCATORS, Case
from uhn.benchmarks.routes import CPU

# What the workers of a case printed, one entry a round
Samples = Mapping[Case, Sequence[Mapping[str, Any]]]


def spread(name: str, values: Sequence[float]) -> dict[str, float]:
    """Return the columns of a number that there is one of per round: its median, smallest and largest value."""
    return {name: median(values), f"{name}_min": min(values), f"{name}_max": max(values)}


def per_round(samples: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    """Return the median over the blocks of steps of each round."""
    return [median(sample[key]) for sample in samples]


def paired_ratios(baseline: Sequence[float], other: Sequence[float]) -> list[float]:
    """Divide round by round: what slows the machine in a round slows both."""
    return [ours / theirs for ours, theirs in zip(baseline, other, strict=True)]


def clock(case: Case) -> str:
    """Return the time that counts: of the processor on a CPU, on the wall where a GPU does the work."""
    return "cpu_s" if case.device == CPU else "wall_s"


def extra_bytes(samples: Sequence[Mapping[str, Any]]) -> float:
    """Return the largest peak above what the imports alone take."""
    return max(sample["peak_bytes"] - sample["base_bytes"] for sample in samples)


def cost_row(case: Case, samples: Sequence[Mapping[str, Any]], machine: Mapping[str, Any]) -> dict[str, Any]:
    """Describe one case on its own as a flat row; with rates of generation where its time is known."""
    first = samples[0]
    row = {
        **{key: getattr(case, key) for key in ("target", "step", "route", "device", "precision", "allocator")},
        **{key: first[key] for key in ("num_scalars", "frequencies", "hidden_dim")},
        "measured_every": case.every,
        "rounds": len(samples),
        "steps_per_round": min(sample["steps"] for sample in samples),
        "warmup_steps": case.warmup,
        **{key: median(sample[key] for sample in samples) for key in ("setup_cpu_s", "first_step_s")},
        **spread("cpu_s", per_round(samples, "cpu_s")),
        **spread("wall_s", per_round(samples, "wall_s")),
        "peak_bytes": max(sample["peak_bytes"] for sample in samples),
        "extra_bytes": extra_bytes(samples),
        "flop": first["flop"],
    }
    product_seconds = first["flop"] / machine["gemm_flop_per_s"]
    if "generator_s" in first:
        seconds = median(per_round(samples, "generator_s"))
        row["generator_s"] = seconds
        row["s_per_scalar"] = seconds / first["num_scalars"]
        row["flop_per_s"] = first["flop"] / seconds
        row["share_of_gemm_peak"] = product_seconds / seconds
    if case.device == CPU:
        row["moved_bytes"] = first["moved_bytes"]
        row["least_s"] = max(product_seconds, first["moved_bytes"] / machine["copy_bytes_per_s"])
    return row


def compare(samples: Samples, machine: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Describe all cases, each against ``released`` in the same step on the same target, under every allocator.

    Args:
        samples: one entry per round and case.
        machine: the peaks, as `uhn.benchmarks.roofline.measure_machine` returns them.
    """
    released = {
        (case.target, case.step, case.allocator): own for case, own in samples.items() if case.route == "released"
    }
    rows = []
    for case, own in samples.items():
        row = cost_row(case, own, machine)
        for allocator in ALLOCATORS:
            reference = released.get((case.target, case.step, allocator))
            if reference is not None:
                ratios = paired_ratios(per_round(reference, clock(case)), per_round(own, clock(case)))
                row |= spread(f"speedup_{allocator}", ratios)
        reference = released[case.target, case.step, "default"]
        row["share_of_extra_bytes"] = row["extra_bytes"] / max(extra_bytes(reference), 1)
        rows.append(row)
    return rows


def scaling(samples: Samples, machine: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Describe the cases of the scaling benchmark, each with its series."""
    return [{"sweep": case.sweep} | cost_row(case, own, machine) for case, own in samples.items()]
