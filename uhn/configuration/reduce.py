"""A published run -> the same run at a scale: smaller generator and targets, shorter schedules, smaller batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from uhn.configuration.generators import UHNConfig
from uhn.configuration.run import Hypernetwork, InitConfig, RunConfig, TargetReduction, TaskConfig, TrainConfig

# Warm-up takes at most one part in this many of a shortened schedule.
SHORT_WARMUP = 4


def reduce_run(
    published: RunConfig, scale: Mapping[str, Any], warmup_steps: int, longest: RunConfig | None = None
) -> RunConfig:
    """Reduce a run as a scale says; of several tasks the first one's reduction decides the schedule.

    Args:
        published: the run at the paper's scale.
        scale: content of the scale's file.
        warmup_steps: warm-up of a schedule that counts steps where the paper counts epochs.
        longest: the candidate of the same search with the longest phases. The scale's limits hold for it and shorten
            the others by the same factor, so that candidates stay different. None: the run itself.
    """
    longest = longest or published
    reductions = [_reduction_of(scale, published.setting, task.kind) for task in published.tasks]
    first, method = reductions[0], published.method
    lr_factor = first.get("lr_factor", {}).get(method, 1.0)
    return replace(
        published,
        tasks=tuple(
            _reduce_task(task, reduction, len(reductions))
            for task, reduction in zip(published.tasks, reductions, strict=True)
        ),
        hypernetwork=_reduce_hypernetwork(published.hypernetwork, method, first),
        init=published.init and _reduce_init(published.init, longest.init.steps, first, lr_factor),
        train=_reduce_train(published.train, longest.train.budget, first, lr_factor, warmup_steps),
    )


def _reduction_of(scale: Mapping[str, Any], setting: str, kind: str) -> dict[str, Any]:
    return scale["tasks"].get(kind, {}) | scale.get("settings", {}).get(setting, {})


def _reduce_task(task: TaskConfig, reduction: Mapping[str, Any], num_tasks: int) -> TaskConfig:
    batch_size = task.batch_size and min(task.batch_size, reduction.get("batch_size", task.batch_size))
    return replace(
        task,
        batch_size=batch_size,
        probability=1 / num_tasks if reduction.get("equal_shares") else task.probability,
        reduction=TargetReduction(**reduction.get("targets", {})),
    )


def _reduce_hypernetwork(
    hypernetwork: Hypernetwork | None, method: str, reduction: Mapping[str, Any]
) -> Hypernetwork | None:
    if not isinstance(hypernetwork, UHNConfig):
        return hypernetwork and replace(hypernetwork, **reduction.get(method, {}))
    divisors = reduction.get("hypernetwork_divisor", {})
    sizes = {name: max(getattr(hypernetwork, name) // divisor, 1) for name, divisor in divisors.items()}
    return replace(hypernetwork, **sizes)


def _reduce_init(init: InitConfig, longest: int, reduction: Mapping[str, Any], lr_factor: float) -> InitConfig:
    levels = len(init.lr)
    steps = _shortened(init.steps, longest, reduction, "init") // levels
    return replace(
        init,
        steps=steps * levels,
        lr=tuple(rate * lr_factor for rate in init.lr),
        warmup_steps=_shortened_warmup(init.warmup_steps, steps, init.steps // levels),
    )


def _reduce_train(
    train: TrainConfig, longest: int, reduction: Mapping[str, Any], lr_factor: float, warmup_steps: int
) -> TrainConfig:
    train = replace(train, lr=train.lr * lr_factor)
    if train.unit == "epochs" and "train_steps" in reduction:
        # Too few epochs for a schedule that advances once in each of them.
        budget = max(round(reduction["train_steps"] * train.budget / longest), 1)
        return replace(train, unit="steps", budget=budget, warmup=min(warmup_steps, budget // SHORT_WARMUP))
    budget = _shortened(train.budget, longest, reduction, "train")
    return replace(train, budget=budget, warmup=_shortened_warmup(train.warmup, budget, train.budget))


def _shortened(length: int, longest: int, reduction: Mapping[str, Any], phase: str) -> int:
    """Shorten a number of steps or epochs; what is not zero stays at least one."""
    if not length:
        return 0
    fraction = reduction.get(f"{phase}_fraction", 1.0)
    limit = reduction.get(f"{phase}_limit", longest)
    return max(round(length * fraction * min(limit / (longest * fraction), 1.0)), 1)


def _shortened_warmup(warmup: int, length: int, published: int) -> int:
    """Return the warm-up of a schedule: as published, unless the schedule is shorter."""
    return warmup if length == published else min(warmup, length // SHORT_WARMUP)
