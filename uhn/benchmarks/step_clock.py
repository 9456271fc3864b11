"""CPU seconds of real optimiser steps on synthetic batches."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from statistics import fmean

from uhn.benchmarks.synthetic_tasks import CPU, make_task
from uhn.configuration.run import RunConfig, TaskConfig
from uhn.descriptors.normalization import union
from uhn.hypernetworks.generator import Generator
from uhn.hypernetworks.uhn import UHN
from uhn.training.build import build_generator
from uhn.training.draws import Draws
from uhn.training.members import Member
from uhn.training.optimizer import AdamW
from uhn.training.phases import Phase
from uhn.training.precision import make_scaler
from uhn.training.step import take_step
from uhn.training.targets import TargetSet

BUDGET_S = 0.1  # seconds of a phase after which no further step begins
LEARNING_RATE = 1e-6


def time_phases(config: RunConfig, task: TaskConfig, phases: tuple[str, ...], parts: int = 1) -> dict[str, float]:
    """Measure the steps of some phases of a run on one target model.

    Args:
        config: the run; the ranges of all its tasks decide how its generator evaluates the first layer.
        task: one of them, with a single model instead of a family.
        phases: ``train`` and ``init``; of a recursive chain the latter gives the mean over its levels.
        parts: a batch has one of so many parts of the examples.

    Returns:
        CPU seconds of a step, by phase.
    """
    members = [
        Member(task.name, data := make_task(config, task, parts), TargetSet(task, config.mode, data.facts.sizes))
    ]
    generator = _build(config, task, members[0].targets)

    def stepper(name: str, level: int | None = config.depth) -> Callable[[], object]:
        return _stepper(config, Phase(name, 1, LEARNING_RATE, 0, level=level), generator, members)

    stepper(phases[0])()  # computes the features that later steps find
    seconds = {}
    for name in phases:
        levels = range(config.depth + 1) if name == "init" and config.depth is not None else [config.depth]
        seconds[name] = fmean(time_steps(stepper(name, level)) for level in levels)
    return seconds


def time_steps(
    step: Callable[[], object], budget_s: float = BUDGET_S, clock: Callable[[], float] = time.process_time
) -> float:
    """Return the seconds of the fastest step: what else the machine does only adds.

    Args:
        step: takes a step.
        budget_s: seconds after which no further step begins.
        clock: counts seconds.
    """
    seconds: list[float] = []
    while sum(seconds) < budget_s:
        start = clock()
        step()
        seconds.append(clock() - start)
    return min(seconds)


def _build(config: RunConfig, task: TaskConfig, targets: TargetSet) -> Generator:
    if config.method != "uhn" or config.depth is not None:
        return build_generator(replace(config, tasks=(task,)), [targets])
    ranges = union(TargetSet(other, config.mode, {}).ranges() for other in config.tasks)
    return UHN(config.hypernetwork, ranges, config.generation)


def _stepper(config: RunConfig, phase: Phase, generator: Generator, members: list[Member]) -> Callable[[], object]:
    """Return a function that takes a step of a phase. The global norm is clipped where the run does it."""
    part = config.train if phase.kind == "train" else config.init
    phase = replace(phase, clip_norm=part.clip_norm if part else None)
    precision = config.precision[CPU.type]
    draws, scaler = Draws(members, config.seed, phase.name), make_scaler(precision, CPU)
    optimizer = AdamW(generator.parameters(), config.optimizer)
    return lambda: take_step(phase, 0, draws, generator, optimizer, scaler, precision)
