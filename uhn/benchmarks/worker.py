"""One case in a process of its own: ``python -m uhn.benchmarks.worker CASE SECONDS`` prints one JSON line.

A step is: generate all scalars, take a gradient of them, backpropagate it. In a generator step the gradient is a
fixed random vector; in a training step it is that of the target's loss, and the optimiser's update follows, with
autocast and loss scaling as in training jobs.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil
import torch
from torch import Tensor

from uhn.allocator import keep_freed_memory
from uhn.benchmarks.cases import Case
from uhn.benchmarks.roofline import GPU_LEASES, first_layer_macs, step_work, waiting_for
from uhn.benchmarks.routes import CPU, ROUTES, make_generate
from uhn.benchmarks.workload import batch_loss, build_target, generator_config
from uhn.configuration.run import OptimizerConfig
from uhn.device import acquire_device
from uhn.hypernetworks.uhn import UHN
from uhn.models.base import TargetModel
from uhn.training.optimizer import AdamW
from uhn.training.precision import autocast, make_scaler

BLOCK_SECONDS = 0.1
LEARNING_RATE = 1e-4
ADAM = OptimizerConfig((0.9, 0.999), 1e-8, 0.0)


class Times(NamedTuple):
    """Seconds of a step: CPU time, wall clock, and the CPU time of generating and of backpropagating to the generator.

    The last is not everything in a training step, and means nothing on a GPU.
    """

    cpu: float
    wall: float
    generator: float


def peak_bytes() -> int:
    """Return the largest resident size so far.

    The kernel's own counter of the address space comes first: ``ru_maxrss`` starts from the parent's size.
    """
    try:
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
    except (OSError, TypeError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def make_step(
    case: Case, generator: UHN, target: TargetModel, generate: Callable[[], Tensor], device: torch.device
) -> Callable[[], float]:
    """Return a function that takes one step and returns the CPU seconds of generating and of backpropagating."""
    in_precision = partial(autocast, case.precision, device)
    optimizer, scaler = AdamW(generator.parameters(), ADAM), make_scaler(case.precision, device)
    training = case.step == "training"
    loss_of = batch_loss(target, device) if training else None
    functional = torch.randn(-(-target.num_params // case.every), device=device)

    def gradient(scalars: Tensor) -> Tensor:
        if not training:
            return functional.to(scalars.dtype)
        leaf = scalars.detach().requires_grad_()
        # A given scalar stands for all of its rows that were left out.
        full = leaf if case.every == 1 else leaf.repeat_interleave(case.every)[: target.num_params]
        with in_precision():
            loss = loss_of(target.unflatten(full))
        scaler.scale(loss).backward()
        return leaf.grad

    def step() -> float:
        begun = time.process_time()
        generator.zero_grad()
        with in_precision():
            scalars = generate()
        generated = time.process_time()
        upstream = gradient(scalars)
        consumed = time.process_time()
        scalars.backward(upstream)
        returned = time.process_time()
        if training:
            scaler.step(optimizer, LEARNING_RATE)
            scaler.update()
        return generated - begun + returned - consumed

    return step


def time_steps(
    step: Callable[[], float], wait: Callable[[], None], warmup: int, seconds: float
) -> tuple[list[Times], list[Times], int]:
    """Take warm-up steps, then blocks of steps until the seconds are over, at least one.

    Kernels of a GPU run while the host goes on, so a block lies between two waits for the device.

    Args:
        step: returns the CPU seconds of its generation.
        wait: returns when the device has finished.
        warmup: steps before the blocks.
        seconds: time to fill with blocks.

    Returns:
        The times of the warm-up steps, of a step in each block, and the number of steps in a block.
    """

    def block(steps: int) -> Times:
        wait()
        cpu, wall = time.process_time(), time.perf_counter()
        generator = sum(step() for _ in range(steps))
        wait()
        return Times(*(t / steps for t in (time.process_time() - cpu, time.perf_counter() - wall, generator)))

    warm = [block(1) for _ in range(warmup)]
    steps = max(round(BLOCK_SECONDS / warm[-1].wall), 1) if warm else 1
    blocks, start = [], time.perf_counter()
    while not blocks or time.perf_counter() - start < seconds:
        blocks.append(block(steps))
    return warm, blocks, steps


def measure(case: Case, seconds: float, device: torch.device) -> dict[str, object]:
    """Build target and generator, take steps for so many seconds and describe what happened.

    Where rows are left out, the times and the memory of generation are scaled to all rows.
    """
    on_cpu = device.type == CPU
    base = psutil.Process().memory_info().rss if on_cpu else 0
    torch.set_num_threads(1)
    torch.manual_seed(0)
    target = build_target(case.target).to(device)
    config = generator_config(target, case.frequencies, case.hidden_dim)
    generator = UHN(config, target.ranges(), ROUTES[case.route].generation).to(device)
    setup = time.process_time()
    with autocast(case.precision, device):
        generate = make_generate(case.route, generator, target, case.every)
        macs = first_layer_macs(generator, target)
    setup = time.process_time() - setup
    step = make_step(case, generator, target, generate, device)
    warm, blocks, steps = time_steps(step, waiting_for(device), case.warmup, seconds)
    peak = peak_bytes() if on_cpu else torch.cuda.max_memory_allocated(device)
    scale = target.num_params / -(-target.num_params // case.every)
    cpu, wall = ([t[clock] + (scale - 1) * t.generator for t in blocks] for clock in (0, 1))
    work = step_work(config, target.num_params, macs, ROUTES[case.route].feature_passes)
    sample = {
        "num_scalars": target.num_params,
        "frequencies": config.index_frequencies,
        "hidden_dim": config.hidden_dim,
        "steps": steps * len(blocks),
        "setup_cpu_s": setup,
        "first_step_s": (warm or blocks)[0].wall,
        "cpu_s": cpu,
        "wall_s": wall,
        "base_bytes": base,
        "peak_bytes": base + round(scale * (peak - base)),
        "flop": work.flop,
        "moved_bytes": work.moved_bytes,
    }
    # The host of a GPU does not see the parts of a step.
    if on_cpu:
        sample["generator_s"] = [scale * t.generator for t in blocks]
    elif case.step == "generator":
        sample["generator_s"] = wall
    return sample


def main() -> None:
    """Measure; ``auto`` on a CPU with the malloc settings that training jobs give themselves."""
    case, seconds = Case(**json.loads(sys.argv[1])), float(sys.argv[2])
    if (case.route, case.device) == ("auto", CPU):
        keep_freed_memory()
    with acquire_device(case.device, GPU_LEASES) as device:
        print(json.dumps(measure(case, seconds, device)))


if __name__ == "__main__":
    main()
