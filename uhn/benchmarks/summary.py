"""From workers' samples to ratios and rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from uhn.benchmarks.cases import ALLOCATORS, Case

Samples = Mapping[Case, Sequence[Mapping[str, Any]]]


class Spread(NamedTuple):
    """Median, smallest and largest of the rounds."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Summarise one number per round."""
    return Spread(median(values), min(values), max(values))


def per_round(samples: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    """Return the median over the steps of each round."""
    return [median(sample[key]) for sample in samples]


def paired_ratios(baseline: Sequence[float], other: Sequence[float]) -> list[float]:
    """Divide round by round: what slows the machine in a round slows both."""
    return [ours / theirs for ours, theirs in zip(baseline, other, strict=True)]


def extra_bytes(samples: Sequence[Mapping[str, Any]]) -> float:
    """Return the largest peak above what the imports alone take."""
    return max(sample["peak_bytes"] - sample["base_bytes"] for sample in samples)


def cost_row(case: Case, samples: Sequence[Mapping[str, Any]], machine: Mapping[str, Any]) -> dict[str, Any]:
    """Describe one case on its own as a flat row."""
    first = samples[0]
    cpu = spread(per_round(samples, "cpu_s"))
    generator = median(per_round(samples, "generator_cpu_s"))
    return {
        "target": case.target,
        "variant": case.variant,
        "allocator": case.allocator,
        "num_scalars": first["num_scalars"],
        "frequencies": first["frequencies"],
        "hidden_dim": first["hidden_dim"],
        "measured_every": case.every,
        "rounds": len(samples),
        "steps_per_round": min(len(sample["cpu_s"]) for sample in samples),
        "warmup_steps": case.warmup,
        "setup_cpu_s": median(sample["setup_cpu_s"] for sample in samples),
        "cpu_s": cpu.median,
        "cpu_s_min": cpu.low,
        "cpu_s_max": cpu.high,
        "wall_s": median(per_round(samples, "wall_s")),
        "generator_cpu_s": generator,
        "cpu_s_per_scalar": generator / first["num_scalars"],
        "peak_bytes": max(sample["peak_bytes"] for sample in samples),
        "extra_bytes": extra_bytes(samples),
        "flop": first["flop"],
        "moved_bytes": first["moved_bytes"],
        "flop_per_s": first["flop"] / generator,
        "share_of_gemm_peak": first["flop"] / generator / machine["gemm_flop_per_s"],
        "least_s": max(first["flop"] / machine["gemm_flop_per_s"], first["moved_bytes"] / machine["copy_bytes_per_s"]),
    }


def compare(samples: Samples, machine: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Describe all cases, each against ``released`` on the same target under both allocators.

    Args:
        samples: one entry per round and case.
        machine: the peaks, as `uhn.benchmarks.roofline.measure_machine` returns them.
    """
    rows = []
    for case, own in samples.items():
        row = cost_row(case, own, machine)
        for allocator in ALLOCATORS:
            (reference,) = (
                other
                for other in samples
                if (other.target, other.variant, other.allocator) == (case.target, "released", allocator)
            )
            ratios = spread(paired_ratios(per_round(samples[reference], "cpu_s"), per_round(own, "cpu_s")))
            row |= {
                f"speedup_{allocator}{suffix}": value
                for suffix, value in zip(("", "_min", "_max"), ratios, strict=True)
            }
            if allocator == "default":
                row["share_of_extra_bytes"] = row["extra_bytes"] / extra_bytes(samples[reference])
        rows.append(row)
    return rows


def scaling(samples: Samples, machine: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Describe the cases of the scaling benchmark, each with its series."""
    return [{"sweep": case.sweep} | cost_row(case, own, machine) for case, own in samples.items()]
