"""Arithmetic and memory traffic of a step, and what the machine can do at most.

``python -m uhn.benchmarks.roofline`` measures the machine on one thread and prints one JSON line.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from uhn.configuration.generators import UHNConfig
from uhn.device import describe_machine
from uhn.hypernetworks.evaluation.fused_trunk import tape_bytes
from uhn.hypernetworks.uhn import UHN
from uhn.models.base import TargetModel

# Passes over the N x 2F feature matrix that cannot be avoided once it exists: written (released only), read by the
# product and read by its gradient.
FEATURE_PASSES = {"released": 3, "dense": 2}


@dataclass(frozen=True)
class StepWork:
    """Work of one generator step.

    Args:
        first_flop: of the first layer, forward and weight gradient.
        trunk_flop: of everything after it, forward and backward.
        moved_bytes: least traffic between the passes of a step.
    """

    first_flop: float
    trunk_flop: float
    moved_bytes: float

    @property
    def flop(self) -> float:
        """All floating-point operations."""
        return self.first_flop + self.trunk_flop


def step_work(config: UHNConfig, rows: int, first_macs: float, variant: str) -> StepWork:
    """Count the work of generating and backpropagating rows; repeated forward passes are not counted.

    Args:
        config: sizes of the generator.
        rows: scalars.
        first_macs: multiply-adds of one forward pass of the first layer, per hidden unit.
        variant: name of the evaluation.
    """
    d, itemsize = config.hidden_dim, torch.float32.itemsize
    trunk_macs = rows * (2 * config.blocks * d * d + d)
    features = FEATURE_PASSES.get(variant, 0) * rows * 2 * config.index_frequencies * itemsize
    # The first layer's output, its gradient and the tape are each written once and read once.
    behind = 2 * (2 * rows * d * itemsize + tape_bytes(rows, d, config.blocks))
    return StepWork(2 * 2 * first_macs * d, 3 * 2 * trunk_macs, features + behind)


def first_layer_macs(generator: UHN, target: TargetModel) -> float:
    """Return the first layer's multiply-adds of one forward pass, per hidden unit.

    Of a structured component's spreading a multiply-add counts as 1.6, as in its plan.
    """
    if generator.generation.first_layer == "reference":
        return float(target.num_params * generator.index_encoding.width)
    return float(sum(report.macs for report in generator.plan_of(target).report()))


def _best_seconds(work: Callable[[], object], seconds: float) -> float:
    work()
    best, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < seconds:
        begun = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begun)
    return best


def measure_machine(seconds: float = 0.5) -> dict[str, object]:
    """Measure peak float32 product and copy of one thread, and name the machine.

    Args:
        seconds: spent on each measurement.
    """
    torch.set_num_threads(1)
    size = 1536
    a, b, c = torch.randn(3, size, size)
    product = _best_seconds(lambda: torch.mm(a, b, out=c), seconds)
    source = torch.zeros(64 << 20)
    sink = torch.empty_like(source).fill_(0)
    copy = _best_seconds(lambda: sink.copy_(source), seconds)
    return {
        **describe_machine(torch.device("cpu")),
        "gemm_flop_per_s": 2 * size**3 / product,
        "copy_bytes_per_s": 2 * source.nbytes / copy,
    }


if __name__ == "__main__":
    print(json.dumps(measure_machine()))
