"""One way to generate one target on a GPU, in a process of its own; prints one JSON line.

Kernels run while the host goes on, so times are those of blocks of steps between two waits for the device.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

from uhn.benchmarks.gpu_variants import VARIANTS
from uhn.benchmarks.roofline import first_layer_macs, step_work
from uhn.benchmarks.variants import make_generate
from uhn.benchmarks.workload import batch_loss, build_target, generator_config
from uhn.configuration.run import OptimizerConfig
from uhn.device import acquire_device, describe_machine
from uhn.hypernetworks.uhn import UHN
from uhn.training.optimizer import AdamW
from uhn.training.precision import DTYPES, autocast, make_scaler

WARMUP = 3  # the first step prepares and compiles, the next ones let the allocator and the loss scale settle
BLOCK_SECONDS = 0.1
PRODUCT_SIZE = 8192  # square matrices of the peak measurement
ADAM = OptimizerConfig((0.9, 0.999), 1e-8, 0.0)


def time_steps(step: Callable[[], None], synchronize: Callable[[], None], seconds: float) -> tuple[float, list[float]]:
    """Take warm-up steps, then blocks of steps for so many seconds.

    Returns:
        Seconds of the first step, and of a step in each block.
    """

    def block(steps: int) -> float:
        synchronize()
        start = time.perf_counter()
        for _ in range(steps):
            step()
        synchronize()
        return (time.perf_counter() - start) / steps

    first = block(1)
    steps = max(round(BLOCK_SECONDS / block(WARMUP - 1)), 1)
    blocks, start = [], time.perf_counter()
    while not blocks or time.perf_counter() - start < seconds:
        blocks.append(block(steps))
    return first, blocks


def product_peak(device: torch.device, dtype: torch.dtype, synchronize: Callable[[], None]) -> float:
    """Measure the rate of a square matrix product, in floating-point operations a second."""
    a, b = (torch.randn(PRODUCT_SIZE, PRODUCT_SIZE, device=device).to(dtype) for _ in range(2))
    _, blocks = time_steps(lambda: torch.mm(a, b), synchronize, 0.3)
    return 2 * PRODUCT_SIZE**3 / min(blocks)


def measure(name: str, variant: str, precision: str, seconds: float, device: torch.device) -> dict[str, Any]:
    """Time generator steps and whole training steps of a variant.

    A generator step generates all scalars and backpropagates a fixed random linear functional of them; a training step
    runs the target on a synthetic batch of the true size, backpropagates its loss and updates the generator, with loss
    scaling as jobs do it.
    """
    torch.manual_seed(0)
    first_layer, generation = VARIANTS[variant].evaluation, VARIANTS[variant].generation
    target = build_target(name).to(device)
    config = generator_config(target)
    generator = UHN(config, target.ranges(), generation).to(device)
    in_precision = partial(autocast, precision, device)
    with in_precision():
        generate = make_generate(first_layer, generator, target)
        macs = first_layer_macs(generator, target)
    optimizer, scaler = AdamW(generator.parameters(), ADAM), make_scaler(precision, device)
    loss_of = batch_loss(target, device)
    functional = torch.randn(target.num_params, device=device)
    synchronize = partial(torch.cuda.synchronize, device)

    def generator_step() -> None:
        with in_precision():
            scalars = generate()
        scalars.backward(functional.to(scalars.dtype))
        for parameter in generator.parameters():
            parameter.grad = None

    def training_step() -> None:
        with in_precision():
            loss = loss_of(target.unflatten(generate()))
        scaler.scale(loss).backward()
        scaler.step(optimizer, 1e-4)
        scaler.update()

    first, generator_blocks = time_steps(generator_step, synchronize, seconds)
    _, training_blocks = time_steps(training_step, synchronize, seconds)
    peak = torch.cuda.max_memory_allocated(device)
    return {
        "num_scalars": target.num_params,
        "frequencies": config.index_frequencies,
        "hidden_dim": config.hidden_dim,
        "first_step_s": first,
        "generator_s": generator_blocks,
        "training_s": training_blocks,
        "peak_bytes": peak,
        "flop": step_work(config, target.num_params, macs, first_layer).flop,
        "product_flop_per_s": product_peak(device, DTYPES[precision], synchronize),
        "machine": describe_machine(device),
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target")
    parser.add_argument("variant", choices=list(VARIANTS))
    parser.add_argument("--precision", default="float16")
    parser.add_argument("--seconds", type=float, default=1.0)
    args = parser.parse_args()
    with acquire_device("cuda", Path("scratch/gpu")) as device:
        print(json.dumps(measure(args.target, args.variant, args.precision, args.seconds, device)))


if __name__ == "__main__":
    main()
