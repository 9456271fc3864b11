"""One optimiser step, from top to bottom, the same for every generator, task and phase."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from uhn.hypernetworks.generator import Generator
from uhn.training.draws import Draws
from uhn.training.gradient_surgery import combine_gradients, set_gradients, take_gradients
from uhn.training.initialise import initialisation_loss
from uhn.training.optimizer import AdamW
from uhn.training.phases import Phase
from uhn.training.precision import autocast


class StepResult(NamedTuple):
    """What a step tells the loop around it.

    Args:
        loss: the step's loss, without a graph; of several tasks, their sum.
        lr: its learning rate.
        gradient_norm: global norm of the gradient before clipping; None without clipping.
    """

    loss: Tensor
    lr: float
    gradient_norm: Tensor | None


def take_step(
    phase: Phase,
    step: int,
    draws: Draws,
    generator: Generator,
    optimizer: AdamW,
    scaler: torch.amp.GradScaler,
    precision: str,
) -> StepResult:
    """Take one optimiser step. Nothing in it waits for a GPU.

    Args:
        phase: what kind of step.
        step: its number in the phase, from 0.
        draws: the order of tasks and target models in the phase.
        generator: gives target models their weights; its parameters are trained.
        optimizer: of these parameters, which have no gradients between steps.
        scaler: keeps the gradients of float16 in range.
        precision: of the forward pass, see :func:`uhn.training.precision.autocast`.
    """
    lr = phase.learning_rate(step)
    losses, gradients = [], []
    for member, target in draws.next_of_each() if phase.gradient_surgery else [draws.next()]:
        with autocast(precision, optimizer.device):
            if phase.kind == "init":
                loss = initialisation_loss(generator, target, phase.level)
            else:
                batch = member.task.next_batch()
                rows = batch.rows_read(target) if generator.uses_rows else None
                weights = generator(target, rows)
                outputs = target.train().run(weights, *batch.inputs)
                loss = member.task.loss(outputs, batch.labels)
        scaler.scale(loss).backward()
        losses.append(loss.detach())
        if phase.gradient_surgery:
            gradients.append(take_gradients(optimizer.parameters))
    if phase.gradient_surgery:
        set_gradients(optimizer.parameters, combine_gradients(gradients, draws.task_order))
    gradient_norm = None
    if phase.clip_norm is not None:
        scaler.unscale_(optimizer)
        gradient_norm = nn.utils.clip_grad_norm_(optimizer.parameters, phase.clip_norm)
    scaler.step(optimizer, lr)
    scaler.update()
    return StepResult(torch.stack(losses).sum(), lr, gradient_norm)
