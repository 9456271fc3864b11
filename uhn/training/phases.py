"""What a run does, as data: a list of phases, each a number of steps with a loss and a learning rate."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn

from uhn.configuration.run import RunConfig
from uhn.hypernetworks.diagnostics import component_statistics
from uhn.hypernetworks.generator import Generator
from uhn.models.base import TargetModel
from uhn.training.gradient_surgery import combine_gradients
from uhn.training.initialise import statistics_loss
from uhn.training.schedules import warmup_cosine
from uhn.training.workload import Draws, Member

PARTS = 50  # of a schedule in steps: each is logged with its mean loss, as an epoch is


@dataclass(frozen=True)
class Phase:
    """A stretch of training with an optimiser of its own.

    Args:
        name: ``init``, ``init_<level>`` of a recursive chain, or ``train``.
        steps: optimiser steps.
        learning_rate: step -> learning rate.
        losses: generator -> loss of the next step; of several, one for each task, the gradients are combined by
            gradient surgery.
        draws: the order of tasks and targets that the losses follow.
        clip_norm: largest global gradient norm, None without clipping.
        mean_steps: steps after which their mean loss is logged: an epoch, or a part of a schedule in steps; 1 for none.
        in_epochs: whether they are an epoch.
        observe: generator -> further numbers to log with a step, or None.
    """

    name: str
    steps: int
    learning_rate: Callable[[int], float]
    losses: tuple[Callable[[nn.Module], Tensor], ...]
    draws: Draws
    clip_norm: float | None = None
    mean_steps: int = 1
    in_epochs: bool = False
    observe: Callable[[nn.Module], dict[str, Any]] | None = None

    def backward(
        self, generator: nn.Module, forward: Callable[[], AbstractContextManager], scale: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """Give the parameters the gradients of the next step.

        Args:
            generator: its parameters have no gradients yet.
            forward: makes the context of a forward pass.
            scale: loss -> loss to differentiate, all losses of a step by one factor.

        Returns:
            The loss of the step, of several tasks their sum, without a graph.
        """
        if len(self.losses) == 1:
            return _backward(self.losses[0], generator, forward, scale)
        parameters = list(generator.parameters())
        losses, gradients = [], []
        for loss in self.losses:
            losses.append(_backward(loss, generator, forward, scale))
            gradients.append([torch.zeros_like(p) if p.grad is None else p.grad for p in parameters])
            for parameter in parameters:
                parameter.grad = None
        combined = combine_gradients(gradients, self.draws.task_order)
        for parameter, gradient in zip(parameters, combined, strict=True):
            parameter.grad = gradient
        return torch.stack(losses).sum()


def _backward(
    loss_of: Callable[[nn.Module], Tensor],
    generator: nn.Module,
    forward: Callable[[], AbstractContextManager],
    scale: Callable[[Tensor], Tensor],
) -> Tensor:
    with forward():
        loss = loss_of(generator)
    scale(loss).backward()
    return loss.detach()


def plan_phases(config: RunConfig, members: list[Member]) -> list[Phase]:
    """Return the phases of a run: initialisation if it has one, then training."""
    phases = []
    if config.init is not None and config.init.steps:
        phases += _plan_init(config, members)
    train = config.train
    in_epochs = train.unit == "epochs"
    per_unit = members[0].task.steps_per_epoch if in_epochs else 1
    draws = Draws(members, config.seed, "train")
    phases.append(
        Phase(
            name="train",
            steps=train.budget * per_unit,
            learning_rate=lambda step: train.lr * warmup_cosine(step // per_unit, train.budget, train.warmup),
            losses=_training_losses(draws, train.gradient_surgery),
            draws=draws,
            clip_norm=train.clip_norm,
            mean_steps=per_unit if in_epochs else max(train.budget // PARTS, 1),
            in_epochs=in_epochs,
            observe=None if config.depth is None else partial(observe_levels, draws, config.depth),
        )
    )
    return phases


def _plan_init(config: RunConfig, members: list[Member]) -> list[Phase]:
    """Return the initialisation phase; of a recursive chain one for each level, from the root down."""
    init, levels = config.init, len(config.init.lr)
    steps = init.steps // levels
    phases = []
    for level, lr in enumerate(init.lr):
        name = "init" if config.depth is None else f"init_{level}"
        draws = Draws(members, config.seed, name)
        phases.append(
            Phase(
                name=name,
                steps=steps,
                learning_rate=lambda step, lr=lr: lr * warmup_cosine(step, steps, init.warmup_steps),
                losses=(partial(initialisation_loss, draws, None if config.depth is None else level),),
                draws=draws,
                clip_norm=init.clip_norm,
                observe=None if config.depth is None else partial(observe_levels, draws, level),
            )
        )
    return phases


def initialisation_loss(draws: Draws, level: int | None, generator: nn.Module) -> Tensor:
    """Compare the statistics of all generated weights of the next target with their objectives; no data.

    Of a recursive chain, only the given level counts, and nothing below it is generated.
    """
    _, target = draws.next()
    if level is None:
        return statistics_loss(target, generator(target))
    return statistics_loss(*generator.generate_level(target, level))


def _training_losses(draws: Draws, gradient_surgery: bool) -> tuple[Callable[[nn.Module], Tensor], ...]:
    """Return the losses of a step: of a task that is drawn, or with gradient surgery of every task."""
    if not gradient_surgery:
        return (lambda generator: training_loss(*draws.next(), generator),)
    return tuple(
        lambda generator, chosen=chosen, member=member: training_loss(member, draws.next_target(chosen), generator)
        for chosen, member in enumerate(draws.members)
    )


def training_loss(member: Member, target: TargetModel, generator: Generator) -> Tensor:
    """Return the loss of a target on the next batch of its task, with the target in training mode.

    A generator that uses rows generates only the embedding rows of the batch's tokens: the others are not read and get
    no gradient.
    """
    batch = member.task.next_batch()
    target.train()
    rows = target.rows_read(*(batch.host_inputs or batch.inputs)) if generator.uses_rows else None
    weights = generator(target, rows)
    return member.task.loss(target.run(weights, *batch.inputs), batch)


@torch.no_grad()
def observe_levels(draws: Draws, level: int, generator: nn.Module) -> dict[str, Any]:
    """Measure a recursive chain down to a level: scale of each level's weights, moments of each of its components."""
    (name,) = draws.members[0].targets.roles.train
    leaf = draws.members[0].targets.build(name)
    scales, components = {}, {}
    for depth, (target, weights) in enumerate(islice(generator.levels(leaf), level + 1)):
        scales[str(depth)] = torch.cat([w.flatten() for w in weights.values()]).std(correction=0).item()
        components[str(depth)] = {c.name: [c.mean, c.std] for c in component_statistics(target, weights)}
    return {"level_std": scales, "components": components}
