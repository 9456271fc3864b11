"""What a run does, as data: a list of phases, each a number of steps with a loss and a learning rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from uhn.experiments.config import RunConfig
from uhn.training.initialise import statistics_loss
from uhn.training.schedules import warmup_cosine
from uhn.training.tasks import RegressionTask

STEPS_PER_EPOCH = 1  # formula regression uses all points in every step


@dataclass(frozen=True)
class Phase:
    """A stretch of training with an optimiser of its own.

    Args:
        name: ``init`` or ``train``.
        steps: optimiser steps.
        learning_rate: step -> learning rate.
        loss: generator -> loss of the next step.
    """

    name: str
    steps: int
    learning_rate: Callable[[int], float]
    loss: Callable[[nn.Module], Tensor]


def plan_phases(config: RunConfig, task: RegressionTask) -> list[Phase]:
    """Return the phases of a run: initialisation if it has one, then training."""
    phases = []
    if config.init is not None and config.init.steps:
        init = config.init
        phases.append(
            Phase(
                "init",
                init.steps,
                lambda step: init.lr * warmup_cosine(step, init.steps, 0),
                lambda generator: statistics_loss(task.target, generator(task.target)),
            )
        )
    train = config.train
    phases.append(
        Phase(
            "train",
            train.epochs * STEPS_PER_EPOCH,
            lambda step: train.lr * warmup_cosine(step // STEPS_PER_EPOCH, train.epochs, train.warmup_epochs),
            task.training_loss,
        )
    )
    return phases
