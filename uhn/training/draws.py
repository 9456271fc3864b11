"""The order in which the steps of a phase meet the tasks and the target models."""

from __future__ import annotations

from typing import Any

import torch

from uhn.models.base import TargetModel
from uhn.seeding import derive_seed
from uhn.training.members import Member
from uhn.training.tasks.stream import IndexStream


class Draws:
    """Draws the task and the target model of each step of a phase.

    Tasks are drawn independently with their probabilities. The models of a family come in reshuffled passes: each is
    drawn once per pass.

    Deviation: the release draws both from the global generator; here each phase has its own random streams. The paper
    writes that models are drawn uniformly; like the release, we take them in reshuffled passes.

    Args:
        members: the tasks with their models.
        seed: the run seed.
        phase: name of the phase.

    Attributes:
        task_order: random stream of the tasks; gradient surgery draws the order of its projections from it.
    """

    def __init__(self, members: list[Member], seed: int, phase: str) -> None:
        self.members = members
        self._probabilities = torch.tensor([member.probability for member in members], dtype=torch.float64)
        self.task_order = _generator(seed, f"{phase} task order")
        self._model_orders = [
            IndexStream(len(member.targets.roles.train), 1, _generator(seed, f"{phase} model order {member.name}"))
            for member in members
        ]

    def next(self) -> tuple[Member, TargetModel]:
        """Draw a task and one of its target models."""
        index = 0
        if len(self.members) > 1:
            index = int(torch.multinomial(self._probabilities, 1, generator=self.task_order))
        return self._with_target(index)

    def next_of_each(self) -> list[tuple[Member, TargetModel]]:
        """Draw a target model for every task."""
        return [self._with_target(index) for index in range(len(self.members))]

    def _with_target(self, index: int) -> tuple[Member, TargetModel]:
        member = self.members[index]
        names = member.targets.roles.train
        name = names[int(self._model_orders[index].next())] if len(names) > 1 else names[0]
        return member, member.targets.build(name)

    def state(self) -> dict[str, Any]:
        """Return what the next draw depends on."""
        return {"tasks": self.task_order.get_state(), "models": [order.state() for order in self._model_orders]}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self.task_order.set_state(state["tasks"].cpu())
        for order, order_state in zip(self._model_orders, state["models"], strict=True):
            order.load_state(order_state)


def _generator(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(derive_seed(seed, purpose))
