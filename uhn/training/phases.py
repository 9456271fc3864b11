"""What a run does, as data: a list of phases, each a number of steps with a loss and a learning rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from uhn.experiments.config import InitConfig, RunConfig
from uhn.training.initialise import statistics_loss
from uhn.training.schedules import warmup_cosine
from uhn.training.workload import Draws, Member


@dataclass(frozen=True)
class Phase:
    """A stretch of training with an optimiser of its own.

    Args:
        name: ``init``, ``init_<level>`` of a recursive chain, or ``train``.
        steps: optimiser steps.
        learning_rate: step -> learning rate.
        loss: generator -> loss of the next step.
        draws: the order of tasks and targets that the loss follows.
        clip_norm: largest global gradient norm, None without clipping.
        steps_per_epoch: steps after which the mean loss is logged; 1 for none.
    """

    name: str
    steps: int
    learning_rate: Callable[[int], float]
    loss: Callable[[nn.Module], Tensor]
    draws: Draws
    clip_norm: float | None = None
    steps_per_epoch: int = 1


def plan_phases(config: RunConfig, members: list[Member]) -> list[Phase]:
    """Return the phases of a run: initialisation if it has one, then training."""
    phases = []
    if config.init is not None and config.init.steps:
        phases.append(_plan_init(config.init, Draws(members, config.seed, "init")))
    train = config.train
    per_unit = members[0].task.steps_per_epoch if train.unit == "epochs" else 1
    draws = Draws(members, config.seed, "train")
    phases.append(
        Phase(
            name="train",
            steps=train.budget * per_unit,
            learning_rate=lambda step: train.lr * warmup_cosine(step // per_unit, train.budget, train.warmup),
            loss=partial(training_loss, draws),
            draws=draws,
            clip_norm=train.clip_norm,
            steps_per_epoch=per_unit,
        )
    )
    return phases


def _plan_init(init: InitConfig, draws: Draws) -> Phase:
    (lr,) = init.lr
    return Phase(
        name="init",
        steps=init.steps,
        learning_rate=lambda step: lr * warmup_cosine(step, init.steps, init.warmup_steps),
        loss=partial(initialisation_loss, draws),
        draws=draws,
        clip_norm=init.clip_norm,
    )


def initialisation_loss(draws: Draws, generator: nn.Module) -> Tensor:
    """Compare the statistics of all generated weights of the next target with their objectives; no data."""
    _, target = draws.next()
    return statistics_loss(target, generator(target))


def training_loss(draws: Draws, generator: nn.Module) -> Tensor:
    """Return the loss of the next target on the next batch of its task, with the target in training mode."""
    member, target = draws.next()
    batch = member.task.next_batch()
    target.train()
    return member.task.loss(target.run(generator(target), *batch.inputs), batch)
