"""Arithmetic and memory traffic of a step, and what the machine can do at most.

``python -m uhn.benchmarks.roofline DEVICE PRECISION`` measures a GPU, or one thread of a CPU, and prints one JSON line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from uhn.configuration.generators import UHNConfig
from uhn.device import acquire_device, describe_machine
from uhn.hypernetworks.evaluation.fused_trunk import tape_bytes
from uhn.hypernetworks.uhn import UHN
from uhn.models.base import TargetModel
from uhn.training.precision import DTYPES

GPU_LEASES = Path("scratch/gpu")
# Square matrices of the peak product, and numbers of the peak copy
PRODUCT_SIZE = {"cpu": 1536, "cuda": 8192}
COPY_SIZE = 64 << 20


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


def step_work(config: UHNConfig, rows: int, first_macs: float, feature_passes: int) -> StepWork:
    """Count the work of generating and backpropagating rows in float32; repeated forward passes are not counted.

    Args:
        config: sizes of the generator.
        rows: scalars.
        first_macs: multiply-adds of one forward pass of the first layer, per hidden unit.
        feature_passes: see `uhn.benchmarks.routes.Route`.
    """
    d, itemsize = config.hidden_dim, torch.float32.itemsize
    trunk_macs = rows * (2 * config.blocks * d * d + d)
    features = feature_passes * rows * 2 * config.index_frequencies * itemsize
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


def waiting_for(device: torch.device) -> Callable[[], None]:
    """Return a function that waits until a device has finished; on a CPU there is nothing to wait for."""
    return (lambda: None) if device.type == "cpu" else partial(torch.cuda.synchronize, device)


def measure_machine(device: torch.device, precision: str = "float32", seconds: float = 0.5) -> dict[str, object]:
    """Measure the peak product, in the precision, and the peak copy of a device, and name the machine.

    Args:
        device: a GPU, or the CPU for one thread of it.
        precision: of the product.
        seconds: spent on each measurement.
    """
    torch.set_num_threads(1)
    size, dtype = PRODUCT_SIZE[device.type], DTYPES[precision]
    a, b, c = (torch.randn(size, size, device=device).to(dtype) for _ in range(3))
    source = torch.zeros(COPY_SIZE, device=device)
    sink = torch.empty_like(source).fill_(0)
    product, copy = (
        _best_seconds(work, waiting_for(device), seconds)
        for work in (lambda: torch.mm(a, b, out=c), lambda: sink.copy_(source))
    )
    return {
        **describe_machine(device),
        "precision": precision,
        "gemm_flop_per_s": 2 * size**3 / product,
        "copy_bytes_per_s": 2 * source.nbytes / copy,
    }


def _best_seconds(work: Callable[[], object], wait: Callable[[], None], seconds: float) -> float:
    work()
    wait()
    best, start = float("inf"), time.perf_counter()
    while time.perf_counter() - start < seconds:
        begun = time.perf_counter()
        work()
        wait()
        best = min(best, time.perf_counter() - begun)
    return best


if __name__ == "__main__":
    with acquire_device(sys.argv[1], GPU_LEASES) as device:
        print(json.dumps(measure_machine(device, sys.argv[2])))
