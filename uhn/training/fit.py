"""The training loop. Every way to get weights goes through it, phase by phase, and can stop at any step.

Deviation: on a CPU everything runs in float32; the release trains under fp16 autocast with dynamic loss scaling,
which is the default on a GPU here too (``precision`` in config/defaults.yaml).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from uhn.configuration.run import OptimizerConfig
from uhn.runs.journal import Journal
from uhn.training.members import Member
from uhn.training.optimizer import AdamW
from uhn.training.phases import Phase
from uhn.training.precision import autocast, make_scaler

LOG_POINTS = 100  # per phase


@dataclass
class Progress:
    """How far a run is. Plain numbers: it goes into checkpoints as it is.

    Args:
        phase: index of the current phase.
        step: steps done in it.
        wall_s, cpu_s: seconds spent so far, over all interruptions.
        train_s: wall-clock seconds of them in the training phase.
        diverged: where the loss stopped being finite, e.g. ``train step 17``.
    """

    phase: int = 0
    step: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    train_s: float = 0.0
    diverged: str | None = None


class Fit:
    """Run phases of optimiser steps on a generator, resumable after every step.

    Args:
        generator: module whose parameters are trained.
        phases: what to do, in order; each gets a fresh optimiser.
        optimizer: constants of AdamW.
        journal: receives about ``LOG_POINTS`` lines per phase, and one per epoch or part of
            a schedule with its mean loss.
        progress: where to start.
        members: the tasks, whose batch streams belong to the state.
        precision: ``float32``, ``bfloat16`` or ``float16``.
    """

    def __init__(
        self,
        generator: nn.Module,
        phases: list[Phase],
        optimizer: OptimizerConfig,
        journal: Journal,
        progress: Progress,
        members: Sequence[Member] = (),
        precision: str = "float32",
    ) -> None:
        self.generator = generator
        self.phases = phases
        self.optimizer_config = optimizer
        self.journal = journal
        self.progress = progress
        self.members = members
        self.precision = precision
        self.device = next(generator.parameters()).device
        self._first_bad = torch.tensor(math.inf, device=self.device)
        self._begin_phase()

    @property
    def finished(self) -> bool:
        """Whether all phases are done, or the run has diverged."""
        return self.progress.phase == len(self.phases) or self.progress.diverged is not None

    def run(self, after_step: Callable[[], bool]) -> None:
        """Take steps until the phases are done, the loss is not finite, or ``after_step`` returns False."""
        while not self.finished:
            phase = self.phases[self.progress.phase]
            wall, cpu = time.perf_counter(), time.process_time()
            self._step(phase)
            elapsed = time.perf_counter() - wall
            self.progress.wall_s += elapsed
            self.progress.cpu_s += time.process_time() - cpu
            self.progress.train_s += elapsed if phase.name == "train" else 0.0
            if self.progress.step == phase.steps and self.progress.diverged is None:
                self.progress.phase += 1
                self.progress.step = 0
                self._begin_phase()
            if not after_step():
                return

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on."""
        return {
            "progress": vars(self.progress).copy(),
            "generator": self.generator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "first_bad": self._first_bad,
            "summed_loss": self._summed_loss,
            "rng": torch.get_rng_state(),
            "device_rng": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
            "draws": [phase.draws.state() for phase in self.phases],
            "tasks": [member.task.state() for member in self.members],
            "journal_bytes": self.journal.flush(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self.progress = Progress(**state["progress"])
        self.generator.load_state_dict(state["generator"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self._first_bad = state["first_bad"]
        self._summed_loss = state["summed_loss"]
        torch.set_rng_state(state["rng"].cpu())
        if state["device_rng"] is not None:
            torch.cuda.set_rng_state(state["device_rng"].cpu(), self.device)
        for phase, draws in zip(self.phases, state["draws"], strict=True):
            phase.draws.load_state(draws)
        for member, task in zip(self.members, state["tasks"], strict=True):
            member.task.load_state(task)

    def _begin_phase(self) -> None:
        self.optimizer = AdamW(self.generator.parameters(), self.optimizer_config)
        self.scaler = make_scaler(self.precision, self.device)
        self._gradient_norm: Tensor | None = None
        self._summed_loss = torch.zeros((), dtype=torch.float64, device=self.device)

    def _step(self, phase: Phase) -> None:
        step = self.progress.step
        lr = phase.learning_rate(step)
        loss = phase.backward(self.generator, partial(autocast, self.precision, self.device), self.scaler.scale)
        if phase.clip_norm is not None:
            self.scaler.unscale_(self.optimizer)
            norm = torch.nn.utils.clip_grad_norm_(self.optimizer.parameters, phase.clip_norm)
            self._gradient_norm = norm  # before clipping
        self.scaler.step(self.optimizer, lr)
        self.scaler.update()
        # The first bad step is kept on the device: asking for it in every step would stall a GPU.
        self._first_bad = torch.where(loss.isfinite(), self._first_bad, self._first_bad.clamp(max=step))
        self._summed_loss += loss
        self.progress.step = step + 1
        last = self.progress.step == phase.steps
        if step % max(phase.steps // LOG_POINTS, 1) == 0 or last:
            self._log(phase, step, loss.item(), lr)
        if phase.mean_steps > 1 and self.progress.step % phase.mean_steps == 0:
            self._log_mean(phase, step)

    def _log(self, phase: Phase, step: int, loss: float, lr: float) -> None:
        extra = phase.observe(self.generator) if phase.observe else {}
        if self._gradient_norm is not None:
            extra["gradient_norm"] = self._gradient_norm.item()
        elapsed = round(self.progress.wall_s, 4)
        self.journal.write(phase=phase.name, step=step, loss=loss, lr=lr, elapsed_s=elapsed, **extra)
        if math.isfinite(first_bad := self._first_bad.item()):
            self.progress.diverged = f"{phase.name} step {int(first_bad)}"

    def _log_mean(self, phase: Phase, step: int) -> None:
        mean = self._summed_loss.item() / phase.mean_steps
        named = {"epoch": step // phase.mean_steps, "epoch_loss": mean} if phase.in_epochs else {"mean_loss": mean}
        self.journal.write(phase=phase.name, step=step, **named, elapsed_s=round(self.progress.wall_s, 4))
        self._summed_loss = torch.zeros_like(self._summed_loss)
