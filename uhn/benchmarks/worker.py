"""One variant on one target in a process of its own; prints one JSON line.

A step is: generate all scalars, take a gradient of them, backpropagate it. In a generator step the gradient is a
fixed random vector; in a training step it is that of the target's loss, and the optimiser's update follows.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor

from uhn.allocator import keep_freed_memory
from uhn.benchmarks.roofline import first_layer_macs, step_work
from uhn.benchmarks.variants import VARIANTS, Generate, make_generate
from uhn.benchmarks.workload import batch_loss, build_target, generator_config
from uhn.configuration.generators import GenerationConfig
from uhn.hypernetworks.uhn import UHN
from uhn.models.base import TargetModel

MAX_STEPS = 200


@dataclass(frozen=True)
class Times:
    """Seconds of one step on one clock.

    Args:
        generator: generating and backpropagating to the generator's parameters.
        rest: the target, its loss and the update; nothing in a generator step.
    """

    generator: float
    rest: float


def peak_bytes() -> int:
    """Return the largest resident size so far.

    The kernel's own counter of the address space comes first: ``ru_maxrss`` starts from the parent's size.
    """
    try:
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
    except (OSError, TypeError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def resident_bytes() -> int:
    """Return the present resident size; where the system does not say, the largest so far."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return peak_bytes()


def fixed_gradient(num_scalars: int) -> Callable[[Tensor], Tensor]:
    """Return the gradient of a fixed random linear functional."""
    gradient = torch.randn(num_scalars)
    return lambda scalars: gradient


def target_gradient(target: TargetModel, every: int) -> Callable[[Tensor], Tensor]:
    """Return the gradient of the target's training loss on a synthetic batch.

    Args:
        target: the model.
        every: each given scalar stands for so many, where the generator leaves out rows.
    """
    loss = batch_loss(target)

    def gradient(scalars: Tensor) -> Tensor:
        leaf = scalars.detach().requires_grad_()
        full = leaf if every == 1 else leaf.repeat_interleave(every)[: target.num_params]
        loss(target.unflatten(full)).backward()
        return leaf.grad

    return gradient


def run_steps(
    generate: Generate,
    gradient: Callable[[Tensor], Tensor],
    optimizer: torch.optim.Optimizer,
    *,
    update: bool,
    warmup: int,
    min_steps: int,
    seconds: float,
) -> tuple[list[Times], list[Times]]:
    """Take steps until so many and so many seconds are done.

    Args:
        generate: returns all scalars.
        gradient: of the scalars.
        optimizer: of the generator's parameters.
        update: whether the optimiser's update belongs to a step.
        warmup: steps before the clocks count.
        min_steps, seconds: least number of timed steps, and time to fill with more of them.

    Returns:
        CPU and wall-clock times of the timed steps.
    """
    cpu, wall = [], []
    start = time.perf_counter()
    while len(cpu) < warmup + min_steps or (time.perf_counter() - start < seconds and len(cpu) < MAX_STEPS):
        marks = [(time.process_time(), time.perf_counter())]
        optimizer.zero_grad(set_to_none=True)
        scalars = generate()
        marks.append((time.process_time(), time.perf_counter()))
        upstream = gradient(scalars)
        marks.append((time.process_time(), time.perf_counter()))
        scalars.backward(upstream)
        marks.append((time.process_time(), time.perf_counter()))
        if update:
            optimizer.step()
        marks.append((time.process_time(), time.perf_counter()))
        del scalars, upstream
        for clock, times in enumerate((cpu, wall)):
            generated, consumed, returned, updated = (after[clock] - before[clock] for before, after in pairwise(marks))
            times.append(Times(generated + returned, consumed + updated))
        if len(cpu) == warmup:
            start = time.perf_counter()
    return cpu[warmup:], wall[warmup:]


def measure(args: argparse.Namespace) -> dict[str, object]:
    """Build target and generator, run the steps and describe what happened."""
    base = resident_bytes()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    target = build_target(args.target)
    config = generator_config(target, args.frequencies, args.hidden_dim)
    generator = UHN(config, target.ranges(), GenerationConfig(first_layer=VARIANTS[args.variant]))
    setup = time.process_time()
    generate = make_generate(args.variant, generator, target, args.every)
    macs = first_layer_macs(generator, target)
    setup = time.process_time() - setup
    rows = -(-target.num_params // args.every)
    training = args.step == "training"
    cpu, wall = run_steps(
        generate,
        target_gradient(target, args.every) if training else fixed_gradient(rows),
        torch.optim.AdamW(generator.parameters(), lr=1e-4, weight_decay=0.0, fused=True),
        update=training,
        warmup=args.warmup,
        min_steps=args.steps,
        seconds=args.seconds,
    )
    peak = peak_bytes()
    scale = target.num_params / rows
    work = step_work(config, target.num_params, macs, args.variant)
    return {
        "num_scalars": target.num_params,
        "frequencies": config.index_frequencies,
        "hidden_dim": config.hidden_dim,
        "rows": rows,
        "setup_cpu_s": setup,
        "cpu_s": [scale * times.generator + times.rest for times in cpu],
        "wall_s": [scale * times.generator + times.rest for times in wall],
        "generator_cpu_s": [scale * times.generator for times in cpu],
        "base_bytes": base,
        "peak_bytes": base + round(scale * (peak - base)),
        "flop": work.flop,
        "moved_bytes": work.moved_bytes,
    }


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", help="name of a target model, or conv<layers>x<width>")
    parser.add_argument("variant", choices=list(VARIANTS))
    parser.add_argument("--step", choices=["generator", "training"], default="generator")
    parser.add_argument("--frequencies", type=int, help="F, if not the paper's for this target")
    parser.add_argument("--hidden-dim", type=int, help="d, if not the paper's for this target")
    parser.add_argument("--every", type=int, default=1, help="take every so many rows and scale (released only)")
    parser.add_argument("--warmup", type=int, default=2, help="steps that are not timed (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=1, help="least number of timed steps (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="time to fill with steps (default: %(default)s)")
    return parser.parse_args(argv)


def main() -> None:
    """Measure; ``auto`` with the malloc settings that training jobs give themselves."""
    args = parse()
    if args.variant == "auto":
        keep_freed_memory()
    print(json.dumps(measure(args)))


if __name__ == "__main__":
    main()
