"""The target models of a task: which ones train, which ones are reported, how they are built for its data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from uhn.descriptors.normalization import Ranges, union
from uhn.experiments.config import TargetReduction, TaskConfig
from uhn.models.base import TargetModel
from uhn.models.registry import FAMILY_NAMES, build_model

# Members of a family kept ready: enough for a whole pass over the largest one.
KEPT_TARGETS = 1024


@dataclass(frozen=True)
class Roles:
    """Names of target models by what a run does with them.

    Args:
        train: training draws from these.
        reported: heading of a group -> its members; a single model has the one heading ``""``.
    """

    train: tuple[str, ...]
    reported: dict[str, tuple[str, ...]]


class TargetSet:
    """The target models of a task, built once each.

    Args:
        task: names the model or the family, and how much smaller its members are.
        mode: ``final`` or ``tuning``.
        sizes: of the models that the data decide.
    """

    def __init__(self, task: TaskConfig, mode: str, sizes: dict[str, int]) -> None:
        self.task = task
        self.mode = mode
        self.is_family = task.model in FAMILY_NAMES
        self.roles = _family_roles(task, mode) if self.is_family else Roles((task.model,), {"": (task.model,)})
        self._sizes = sizes
        self.build = lru_cache(maxsize=KEPT_TARGETS)(self._build)

    def ranges(self) -> Ranges:
        """Return the descriptor ranges of the task: of the family as configured, or of the models in use."""
        if self.is_family and self.task.reduction == TargetReduction():
            from uhn.models.model_sets import FAMILIES

            return FAMILIES[self.task.model].ranges
        return union(self.build(name).ranges() for name in self.names())

    def names(self) -> tuple[str, ...]:
        """Return all models in use, each once."""
        groups = (self.roles.train, *self.roles.reported.values())
        return tuple(dict.fromkeys(name for group in groups for name in group))

    def config(self, name: str) -> Any:
        """Return the configuration of a model as it is built."""
        return self.build(name).config

    def to(self, device: torch.device) -> None:
        """Move models that own tensors; members of a family own none."""
        if not self.is_family:
            self.build(self.task.model).to(device)

    def _build(self, name: str) -> TargetModel:
        # A family's members are only run with generated weights: without storage a thousand of them are small.
        with torch.device("meta" if self.is_family else "cpu"):
            return build_model(name, self._adapt)

    def _adapt(self, config: Any) -> Any:
        reduction = self.task.reduction
        if (reduction.width_divisor, reduction.depth_divisor) != (1, 1):
            config = config.reduced(reduction.width_divisor, reduction.depth_divisor)
        return config.fitted(**self._sizes) if self._sizes else config


def _family_roles(task: TaskConfig, mode: str) -> Roles:
    from uhn.models.model_sets import FAMILIES

    family = FAMILIES[task.model]
    splits, members = family.splits, task.reduction.members
    train, test, reported = splits.train, splits.test, len(splits.test)
    if members is not None:
        reported = max(round(members * len(test) / family.size), 2)
        train, test = train[: members - reported], test[:reported]
    names = family.member_names
    if mode == "tuning":
        return Roles(tuple(names(train[:-reported])), {"": tuple(names(train[-reported:]))})
    return Roles(tuple(names(train)), {"seen": tuple(names(train[:reported])), "unseen": tuple(names(test))})
