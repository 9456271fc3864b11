"""What a run does, as data: phases of optimiser steps, each with a learning-rate schedule."""

from __future__ import annotations

import math
from dataclasses import dataclass

from uhn.configuration.run import RunConfig

MEANS = 50  # lines with a mean loss that a training phase without epochs logs


@dataclass(frozen=True)
class Phase:
    """A stretch of optimiser steps with a fresh optimiser.

    Args:
        kind: ``init`` matches the statistics of the generated weights with their objectives and reads no data;
            ``train`` minimises the loss of the tasks.
        steps: optimiser steps.
        peak_lr: learning rate at the end of the warm-up.
        warmup: epochs of warm-up, or steps without epochs.
        steps_per_epoch: the schedule advances once per epoch; None where the phase counts steps, it then advances
            with each step.
        level: of a recursive chain, the level whose model is generated; None without a chain.
        clip_norm: largest global gradient norm, None without clipping.
        gradient_surgery: a step works on every task and combines their gradients by PCGrad.
    """

    kind: str
    steps: int
    peak_lr: float
    warmup: int
    steps_per_epoch: int | None = None
    level: int | None = None
    clip_norm: float | None = None
    gradient_surgery: bool = False

    @property
    def name(self) -> str:
        """``init``, ``init_<level>`` of a recursive chain, or ``train``."""
        return f"init_{self.level}" if self.kind == "init" and self.level is not None else self.kind

    @property
    def steps_per_mean(self) -> int:
        """Steps after which their mean loss is logged: an epoch, or a fiftieth of the phase; 1 logs no means."""
        if self.steps_per_epoch is not None:
            return self.steps_per_epoch
        return max(self.steps // MEANS, 1) if self.kind == "train" else 1

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        unit = self.steps_per_epoch or 1
        return self.peak_lr * warmup_cosine(step // unit, self.steps // unit, self.warmup)


def warmup_cosine(t: int, total: int, warmup: int) -> float:
    """Return the multiplier of the peak learning rate at epoch or step ``t``, counted from 0.

    Linear warm-up to the peak at ``t = warmup``, then cosine towards 0 at ``total`` (paper, Appendix on
    training details). The last value is small but not 0.

    Deviation: without warm-up the torch release pinned by the authors applies the cosine one step late.
    """
    if t < warmup:
        return (t + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (t - warmup) / max(total - warmup, 1)))


def plan_phases(config: RunConfig, steps_per_epoch: int) -> list[Phase]:
    """Return the phases of a run: initialisation if it has one (of a chain, from the root down), then training.

    Args:
        config: the run.
        steps_per_epoch: batches in a pass over the data of its first task.
    """
    phases = []
    if config.init is not None and config.init.steps:
        init = config.init
        for level, lr in enumerate(init.lr):
            level = None if config.depth is None else level
            phases.append(
                Phase("init", init.steps // len(init.lr), lr, init.warmup_steps, level=level, clip_norm=init.clip_norm)
            )
    train = config.train
    in_epochs = train.unit == "epochs"
    phases.append(
        Phase(
            "train",
            steps=train.budget * steps_per_epoch if in_epochs else train.budget,
            peak_lr=train.lr,
            warmup=train.warmup,
            steps_per_epoch=steps_per_epoch if in_epochs else None,
            level=config.depth,
            clip_norm=train.clip_norm,
            gradient_surgery=train.gradient_surgery,
        )
    )
    return phases
