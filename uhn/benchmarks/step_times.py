"""Seconds of the steps of any run on the machine at hand: measured when first asked for, then kept."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from uhn import CODE_VERSION
from uhn.benchmarks.step_clock import time_phases
from uhn.configuration.run import RunConfig, TaskConfig
from uhn.errors import UserError
from uhn.files import read_json, write_json
from uhn.models.base import TargetModel
from uhn.runs.provenance import cpu_model
from uhn.training.cost import StepSeconds, combine_tasks, mean_member
from uhn.training.counts import count_targets
from uhn.training.targets import TargetSet

# Members of a family that stand for all of it.
SAMPLED_MEMBERS = 2
# Steps on larger targets of images and texts are put together from parts.
WHOLE_PARAMS = 50_000
# A batch for such a target has one of so many parts of the examples.
BATCH_PARTS = 4

SHALLOWEST = 1_000_000  # divides any depth to one layer

Timer = Callable[[RunConfig, TaskConfig, tuple[str, ...], int], dict[str, float]]


class StepTimes:
    """Seconds of the steps of runs on one core of this machine.

    Steps are real ones, on random data of the true size. Long ones are put together from shorter ones: a training step
    is a generation and a step of direct training; generation takes as long per scalar for a target with fewer layers
    of the same widths; and a step of direct training takes as long per example in a smaller batch.

    Args:
        scratch: measured times are kept there, by machine.
        anew: forget what is kept.
        timer: measures the phases of a run on one target.
    """

    def __init__(self, scratch: Path, *, anew: bool = False, timer: Timer = time_phases) -> None:
        self.scratch = scratch
        self.path = scratch / "step_times" / f"{_digest(machine())}.json"
        self._timer = timer
        self._kept: dict[str, dict[str, float]] = {}
        self._announced = False
        if not anew:
            try:
                self._kept = read_json(self.path)["seconds"]
            except (UserError, KeyError, TypeError):
                self._kept = {}

    def of_run(self, config: RunConfig) -> StepSeconds:
        """Return the mean step of each phase of a run."""
        return combine_tasks(config, [self._of_task(config, task) for task in config.tasks])

    def _of_task(self, config: RunConfig, task: TaskConfig) -> StepSeconds:
        targets = TargetSet(task, config.mode, {})
        names = targets.roles.train
        if not targets.is_family:
            return self._of_target(config, task)
        sample = [names[len(names) * (2 * i + 1) // (2 * SAMPLED_MEMBERS)] for i in range(SAMPLED_MEMBERS)]
        members = [
            (targets.build(name).num_params, self._of_target(config, replace(task, model=name))) for name in sample
        ]
        return mean_member(members, count_targets([targets], self.scratch).mean_params)

    def _of_target(self, config: RunConfig, task: TaskConfig) -> StepSeconds:
        """Return the steps on one target model."""
        phases = ("train", "init") if config.init and config.init.steps else ("train",)
        target = _build(task)
        shallow = replace(task, reduction=replace(task.reduction, depth_divisor=SHALLOWEST))
        share = _build(shallow).num_params / target.num_params
        long = target.num_params > WHOLE_PARAMS and task.batch_size is not None
        if not long or (task.kind == "image_classification" and share == 1):
            return StepSeconds(**self._measured(config, task, phases))
        direct = replace(config, method="direct", hypernetwork=None, generation=None, init=None)
        part = self._measured(direct, task, ("train",), BATCH_PARTS)["train"]
        if config.method == "direct":
            return StepSeconds(BATCH_PARTS * part)
        if task.kind == "image_classification":
            generation = self._measured(config, shallow, ("init",))["init"] / share
            return StepSeconds(train=generation + BATCH_PARTS * part, init=generation)
        # How much of an embedding is generated depends on the words that are read
        seconds = self._measured(config, task, phases, BATCH_PARTS)
        return StepSeconds(**seconds | {"train": seconds["train"] + (BATCH_PARTS - 1) * part})

    def _measured(
        self, config: RunConfig, task: TaskConfig, phases: tuple[str, ...], parts: int = 1
    ) -> dict[str, float]:
        key = _digest(conditions(config, task) | {"parts": parts})
        if not set(phases) <= self._kept.get(key, {}).keys():
            self._announce()
            self._kept[key] = self._kept.get(key, {}) | self._timer(config, task, phases, parts)
            write_json(self.path, {"machine": machine(), "seconds": self._kept})
        return {phase: self._kept[key][phase] for phase in phases}

    def _announce(self) -> None:
        if not self._announced:
            busy = os.getloadavg()[0] > (os.cpu_count() or 1) / 2
            note = "; it is busy, which raises them: --calibrate later" if busy else ""
            print(f"measuring steps on this machine, kept in {self.path}{note}", file=sys.stderr, flush=True)
            self._announced = True


def machine() -> dict[str, Any]:
    """Return what all step times depend on."""
    return {
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "torch": version("torch"),
        "code_version": CODE_VERSION,
        "threads": torch.get_num_threads(),
    }


def conditions(config: RunConfig, task: TaskConfig) -> dict[str, Any]:
    """Return what the time of a step depends on, beside the machine: no learning rate, no schedule, no seed."""
    ranges = [[other.model, asdict(other.reduction)] for other in config.tasks] if config.method == "uhn" else []
    run = config.to_dict()
    return {
        **{key: run[key] for key in ("source", "method", "hypernetwork", "generation", "depth", "optimizer")},
        "clipped": [bool(phase and phase.clip_norm) for phase in (config.init, config.train)],
        "precision": config.precision["cpu"],
        "ranges": ranges,
        **{key: asdict(task)[key] for key in ("kind", "dataset", "model", "batch_size", "reduction")},
    }


def _build(task: TaskConfig) -> TargetModel:
    return TargetSet(task, "final", {}).only()


def _digest(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:20]
