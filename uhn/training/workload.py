"""What a step works on: a task drawn from the mixture, and a target drawn from the task's models."""

from __future__ import annotations

from typing import Any

import torch

from uhn.models.base import TargetModel
from uhn.seeding import derive_seed
from uhn.training.members import Member
from uhn.training.tasks.stream import IndexStream


class Draws:
    """The order of tasks and target models in one phase.

    Tasks are drawn independently with their probabilities; the models of a family come in reshuffled passes, so
    that each is drawn once in a pass.

    Deviation: the release draws both from the global generator; here each phase has streams of its own.

    Args:
        members: the tasks.
        seed: the run seed.
        phase: name of the phase.

    Attributes:
        task_order: draws the task of a step; where a step works on all tasks, the order in which they meet.
    """

    def __init__(self, members: list[Member], seed: int, phase: str) -> None:
        self.members = members
        self._probabilities = torch.tensor([member.probability for member in members], dtype=torch.float64)
        self.task_order = _generator(seed, f"{phase} task order")
        self._models = [
            IndexStream(len(member.targets.roles.train), 1, _generator(seed, f"{phase} model order {member.name}"))
            for member in members
        ]

    def next(self) -> tuple[Member, TargetModel]:
        """Return the next step's task and target."""
        chosen = 0
        if len(self.members) > 1:
            chosen = int(torch.multinomial(self._probabilities, 1, generator=self.task_order))
        return self.members[chosen], self.next_target(chosen)

    def next_target(self, chosen: int) -> TargetModel:
        """Return the next target of the task at an index of ``members``."""
        member = self.members[chosen]
        names = member.targets.roles.train
        name = names[int(self._models[chosen].next())] if len(names) > 1 else names[0]
        return member.targets.build(name)

    def state(self) -> dict[str, Any]:
        """Return what the next draw depends on."""
        return {"tasks": self.task_order.get_state(), "models": [stream.state() for stream in self._models]}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self.task_order.set_state(state["tasks"].cpu())
        for stream, own in zip(self._models, state["models"], strict=True):
            stream.load_state(own)


def _generator(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, purpose))
