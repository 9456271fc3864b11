"""The training loop around the optimiser step: phases, divergence, the journal, the state to resume from."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import torch

from uhn.configuration.run import OptimizerConfig
from uhn.hypernetworks.diagnostics import measure_levels
from uhn.hypernetworks.generator import Generator
from uhn.runs.journal import Journal
from uhn.training.draws import Draws
from uhn.training.members import Member
from uhn.training.optimizer import AdamW
from uhn.training.phases import Phase
from uhn.training.precision import make_scaler
from uhn.training.step import StepResult, take_step

LOG_POINTS = 100  # per phase
# Steps in a row with a loss that is not finite after which a run has diverged. float16 overflows now and then: its
# loss scaler skips such a step and halves the scale, as in the release.
BAD_STEPS = {"float32": 1, "bfloat16": 1, "float16": 100}


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
    """Trains a generator phase by phase. It can be resumed after every step.

    Args:
        generator: its parameters are trained.
        phases: what to do, in order; each gets a fresh optimiser and loss scaler.
        members: the tasks with their target models.
        seed: the run seed, from which the order of tasks and models is drawn.
        optimizer: constants of AdamW.
        journal: receives about ``LOG_POINTS`` lines per phase, and one with the mean loss per epoch or fiftieth of a
            phase.
        precision: ``float32``, ``bfloat16`` or ``float16``.
    """

    def __init__(
        self,
        generator: Generator,
        phases: list[Phase],
        members: list[Member],
        seed: int,
        optimizer: OptimizerConfig,
        journal: Journal,
        precision: str = "float32",
    ) -> None:
        self.generator = generator
        self.phases = phases
        self.members = members
        self.draws = [Draws(members, seed, phase.name) for phase in phases]
        self.optimizer_config = optimizer
        self.journal = journal
        self.precision = precision
        self.progress = Progress()
        self.device = next(generator.parameters()).device
        self._begin_phase()

    @property
    def finished(self) -> bool:
        """Whether all phases are done, or the run has diverged."""
        return self.progress.phase == len(self.phases) or self.progress.diverged is not None

    @property
    def steps_done(self) -> int:
        """Steps taken in all phases."""
        return sum(phase.steps for phase in self.phases[: self.progress.phase]) + self.progress.step

    def step(self) -> None:
        """Take the next step, log it where that is due, and go on to the next phase after the last of one."""
        progress = self.progress
        phase, draws, step = self.phases[progress.phase], self.draws[progress.phase], progress.step
        wall, cpu = time.perf_counter(), time.process_time()
        result = take_step(phase, step, draws, self.generator, self.optimizer, self.scaler, self.precision)
        self._record(phase, step, result)
        progress.step += 1
        elapsed = time.perf_counter() - wall
        progress.wall_s += elapsed
        progress.cpu_s += time.process_time() - cpu
        progress.train_s += elapsed if phase.kind == "train" else 0.0
        if progress.step == phase.steps and not progress.diverged:
            progress.phase += 1
            progress.step = 0
            self._begin_phase()

    def _begin_phase(self) -> None:
        self.optimizer = AdamW(self.generator.parameters(), self.optimizer_config)
        self.scaler = make_scaler(self.precision, self.device)
        self._summed_loss = torch.zeros((), dtype=torch.float64, device=self.device)
        self._bad_since = self._diverged_at = torch.tensor(math.inf, device=self.device)

    def _record(self, phase: Phase, step: int, result: StepResult) -> None:
        """Note a step's loss on the device, and log it where that is due."""
        # Reading the loss in every step would force a synchronisation with a GPU. Where a run diverges is therefore
        # tracked on the device, and read with a logged step.
        self._bad_since = torch.where(result.loss.isfinite(), math.inf, self._bad_since.clamp(max=step))
        steps_in_a_row = 1 if step + 1 == phase.steps else BAD_STEPS[self.precision]
        stays_bad = step + 1 - self._bad_since >= steps_in_a_row
        self._diverged_at = torch.where(stays_bad, self._diverged_at.minimum(self._bad_since), self._diverged_at)
        self._summed_loss += result.loss
        if step % max(phase.steps // LOG_POINTS, 1) == 0 or step + 1 == phase.steps:
            self._log(phase, step, result)
        if phase.steps_per_mean > 1 and (step + 1) % phase.steps_per_mean == 0:
            self._log_mean(phase, step)

    def _log(self, phase: Phase, step: int, result: StepResult) -> None:
        elapsed = round(self.progress.wall_s, 4)
        entry = {"phase": phase.name, "step": step, "loss": result.loss.item(), "lr": result.lr, "elapsed_s": elapsed}
        if phase.level is not None:
            entry |= measure_levels(self.generator, self.members[0].targets.only(), phase.level)
        if result.gradient_norm is not None:
            entry["gradient_norm"] = result.gradient_norm.item()
        self.journal.write(**entry)
        if math.isfinite(diverged_at := self._diverged_at.item()):
            self.progress.diverged = f"{phase.name} step {int(diverged_at)}"

    def _log_mean(self, phase: Phase, step: int) -> None:
        mean, elapsed = self._summed_loss.item() / phase.steps_per_mean, round(self.progress.wall_s, 4)
        in_epochs = phase.steps_per_epoch is not None
        named = {"epoch": step // phase.steps_per_mean, "epoch_loss": mean} if in_epochs else {"mean_loss": mean}
        self.journal.write(phase=phase.name, step=step, **named, elapsed_s=elapsed)
        self._summed_loss = torch.zeros_like(self._summed_loss)

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on."""
        return {
            "progress": vars(self.progress).copy(),
            "generator": self.generator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "bad_since": self._bad_since,
            "diverged_at": self._diverged_at,
            "summed_loss": self._summed_loss,
            "rng": torch.get_rng_state(),
            "device_rng": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
            "draws": [draws.state() for draws in self.draws],
            "tasks": [member.task.state() for member in self.members],
            "journal_bytes": self.journal.flush(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self.progress = Progress(**state["progress"])
        self.generator.load_state_dict(state["generator"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self._bad_since, self._diverged_at = state["bad_since"], state["diverged_at"]
        self._summed_loss = state["summed_loss"]
        torch.set_rng_state(state["rng"].cpu())
        if state["device_rng"] is not None:
            torch.cuda.set_rng_state(state["device_rng"].cpu(), self.device)
        for draws, draws_state in zip(self.draws, state["draws"], strict=True):
            draws.load_state(draws_state)
        for member, task_state in zip(self.members, state["tasks"], strict=True):
            member.task.load_state(task_state)
