"""The members of a run: each of its tasks with the target models that solve it, on one split of the data."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from uhn.configuration.run import RunConfig
from uhn.data.sources import DataSource
from uhn.errors import UserError
from uhn.training.targets import TargetSet
from uhn.training.tasks.base import Task
from uhn.training.tasks.load import load_task


@dataclass(frozen=True)
class Member:
    """A task of a run with its target models.

    Args:
        name: prefix of its metrics where a run has several members.
        task: data and loss.
        targets: the models.
        probability: share of the steps.
    """

    name: str
    task: Task
    targets: TargetSet
    probability: float = 1.0


def load_members(config: RunConfig, split: str, source: DataSource, device: torch.device) -> list[Member]:
    """Load one split of every task of a run, and build its target models.

    Args:
        config: the run.
        split: ``train``, ``validation`` or ``test``; only the last opens test data.
        source: where the data are.
        device: where data and models go.

    Raises:
        UserError: data are missing, damaged, or of another source than the configuration says.
    """
    expected = "standin" if source.standin else "published"
    if config.source not in (expected, "formula"):
        raise UserError(
            f"{config.key}: configured for {config.source} data, got the data source '{source.kind}'; "
            "give another --data"
        )
    members = []
    for task_config in config.tasks:
        task = load_task(config, task_config, split, source, device)
        targets = TargetSet(task_config, config.mode, task.facts.sizes)
        targets.to(device)
        members.append(Member(task_config.name, task, targets, task_config.probability))
    return members
