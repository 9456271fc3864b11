"""Training a generator through targets of the user's: the pipeline's step, on the user's batches and loss."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from uhn.configuration.run import OptimizerConfig
from uhn.errors import UserError
from uhn.hypernetworks.generator import Generator
from uhn.library.own_task import Loss, OwnTargets, OwnTask
from uhn.models.base import Target
from uhn.training.draws import Draws
from uhn.training.members import Member
from uhn.training.optimizer import AdamW
from uhn.training.phases import Phase
from uhn.training.precision import make_scaler
from uhn.training.step import take_step

ADAM = OptimizerConfig(betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)


@dataclass(frozen=True)
class History:
    """Losses of all steps.

    Args:
        init: of the initialisation phase.
        train: of training.
    """

    init: tuple[float, ...]
    train: tuple[float, ...]


def fit(
    generator: Generator,
    targets: Target | Iterable[Target],
    loss: Loss,
    batches: Iterable[tuple[Any, Any]],
    *,
    steps: int,
    lr: float = 1e-3,
    warmup: int | None = None,
    init_steps: int | None = None,
    init_lr: float = 1e-3,
    clip_norm: float | None = 1.0,
    seed: int = 0,
) -> History:
    """Train a generator so that the weights it gives its targets make them good at a task.

    First the initialisation phase (paper, Section 3.4): the mean and standard deviation of each generated tensor
    approach those of the module's own initialisation, without data. Then training, with a fresh Adam: in each step one
    target gets its weights and one batch; learning rates rise linearly, then fall to 0 along a cosine. Several targets
    come in reshuffled passes. Modules train in training mode, afterwards targets are in the mode in which they were;
    running statistics are the target's.

    Args:
        generator: trained in place.
        targets: one or several that solve the same task.
        loss: ``loss(outputs, labels)``, a scalar; any loss of ``torch.nn.functional``, say.
        batches: of pairs ``(inputs, labels)``, gone through again and again; an iterator must be long enough. Inputs
            are a tensor, or a tuple of the module's arguments. They are on the generator's device.
        steps: of training.
        lr: highest learning rate of training.
        warmup: steps until it is reached; by default a tenth, at most 500.
        init_steps: of the initialisation phase; by default a fifth of ``steps``, at most 200. 0 to continue with a
            trained generator.
        init_lr: highest learning rate of the initialisation phase.
        clip_norm: largest norm of the gradient; None does not clip.
        seed: of the order of targets.

    Raises:
        UserError: a ValueError. Before the first step, with nothing changed: an argument is out of range, the loss is
            no finite scalar, tensors are on different devices, a target is outside the generator's ranges. Later: the
            loss or, if it is clipped, its gradient is not finite any more, or the batches ended; the generator then has
            the weights of the last good step.
    """
    targets = [targets] if isinstance(targets, Target) else list(targets)
    if not targets:
        raise UserError("targets: expected at least one, got none")
    for name, value, least in (("steps", steps, 1), ("init_steps", init_steps or 0, 0), ("warmup", warmup or 0, 0)):
        if not isinstance(value, int) or value < least:
            raise UserError(f"{name}: expected a whole number from {least}, got {value!r}")
    for name, rate in (("lr", lr), ("init_lr", init_lr), ("clip_norm", 1.0 if clip_norm is None else clip_norm)):
        if not 0 < rate < math.inf:
            raise UserError(f"{name}: expected a positive number, got {rate!r}")
    init_steps = min(steps // 5, 200) if init_steps is None else init_steps
    warmup = min(steps // 10, 500) if warmup is None else warmup
    device = next(generator.parameters()).device
    task = OwnTask(batches, loss, device)
    modes = [target.training for target in targets]
    try:
        _try_out(generator, targets, task)
        # A step and its draws ask no more of a task and its targets than these two have.
        member = Member("own", task, OwnTargets(targets))  # type: ignore[arg-type]
        phases = [Phase("init", init_steps, init_lr, min(init_steps // 10, 500), clip_norm=clip_norm)]
        phases.append(Phase("train", steps, lr, warmup, clip_norm=clip_norm))
        return History(*(_run_phase(phase, generator, member, targets, seed) for phase in phases))
    finally:
        for parameter in generator.parameters():
            parameter.grad = None
        for target, mode in zip(targets, modes, strict=True):
            target.train(mode)


def _run_phase(
    phase: Phase, generator: Generator, member: Member, targets: Sequence[Target], seed: int
) -> tuple[float, ...]:
    draws = Draws([member], seed, phase.name)
    optimizer = AdamW((p for p in generator.parameters() if p.requires_grad), ADAM)
    scaler = make_scaler("float32", optimizer.device)
    losses = []
    for step in range(phase.steps):
        kept = [target.carried() for target in targets]
        parameters = [parameter.detach().clone() for parameter in optimizer.parameters]
        try:
            result = take_step(phase, step, draws, generator, optimizer, scaler, "float32")
            if result.gradient_norm is not None and not result.gradient_norm.isfinite():
                raise UserError(f"loss: its gradient is not finite in step {step} of phase '{phase.name}'; lower lr")
        except Exception:
            for target, tensors in zip(targets, kept, strict=True):
                target.carry(tensors)
            with torch.no_grad():
                torch._foreach_copy_(optimizer.parameters, parameters)
            raise
        losses.append(result.loss)
    return tuple(torch.stack(losses).tolist()) if losses else ()


def _try_out(generator: Generator, targets: Sequence[Target], task: OwnTask) -> None:
    """Run every target on the first batch, so that what is wrong shows before anything changes."""
    batch = task.next_batch()
    task.put_back(batch)
    device = next(generator.parameters()).device
    gpus = [device] if device.type == "cuda" else []
    for target in targets:
        kept = target.carried()
        try:
            with torch.no_grad(), torch.random.fork_rng(devices=gpus):
                task.loss(target.train().run(generator(target), *batch.inputs), batch.labels)
        finally:
            target.carry(kept)
