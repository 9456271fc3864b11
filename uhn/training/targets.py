"""The target models of a task: which of them train, which are reported, how they are built for its data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import torch

from uhn.configuration.run import TargetReduction, TaskConfig
from uhn.descriptors.normalization import Ranges, union
from uhn.errors import UserError
from uhn.models.base import TargetModel
from uhn.models.registry import FAMILY_NAMES, build_model

if TYPE_CHECKING:
    from uhn.models.model_sets import ModelFamily

# Built models that stay in memory: enough for a whole pass over the largest family.
CACHED_TARGETS = 1024


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
        sizes: sizes of the models that the data decide.
    """

    def __init__(self, task: TaskConfig, mode: str, sizes: dict[str, int]) -> None:
        self.task = task
        self.mode = mode
        self.is_family = task.model in FAMILY_NAMES
        self._sizes = sizes
        self.roles = (
            _family_roles(task, mode, self._adapt) if self.is_family else Roles((task.model,), {"": (task.model,)})
        )
        self.build = lru_cache(maxsize=CACHED_TARGETS)(self._build)

    def identity(self) -> dict[str, Any]:
        """Return all that decides which models these are, as plain data."""
        task = {"model": self.task.model, "mode": self.mode, "sizes": self._sizes}
        return task | {"reduction": asdict(self.task.reduction)}

    def only(self) -> TargetModel:
        """Return the model of a task that is no family."""
        (name,) = self.roles.train
        return self.build(name)

    def ranges(self) -> Ranges:
        """Return the descriptor ranges of the task: of the family as configured, or of the models in use."""
        if self.is_family and replace(self.task.reduction, reported=None) == TargetReduction():
            from uhn.models.model_sets import FAMILIES

            return FAMILIES[self.task.model].ranges
        return union(self.build(name).ranges() for name in self.names())

    def names(self) -> tuple[str, ...]:
        """Return all models in use, each once."""
        groups = (self.roles.train, *self.roles.reported.values())
        return tuple(dict.fromkeys(name for group in groups for name in group))

    def all_names(self) -> tuple[str, ...]:
        """Return the models in use and, of a family, all other members, for which a generator can be asked as well."""
        if not self.is_family:
            return self.names()
        from uhn.models.model_sets import FAMILIES

        family = FAMILIES[self.task.model]
        return tuple(dict.fromkeys([*self.names(), *family.member_names(range(family.size))]))

    def config(self, name: str) -> Any:
        """Return the configuration of a model as it is built."""
        return self.build(name).config

    def to(self, device: torch.device) -> None:
        """Move models that own tensors; members of a family own none."""
        if not self.is_family:
            self.build(self.task.model).to(device)

    def build_module(self, name: str) -> TargetModel:
        """Build a model with weights of its own, on the CPU."""
        return build_model(name, self._adapt)

    def _build(self, name: str) -> TargetModel:
        # A family's members only run with generated weights. On the meta device a thousand of them take no memory.
        with torch.device("meta" if self.is_family else "cpu"):
            return build_model(name, self._adapt)

    def _adapt(self, config: Any) -> Any:
        reduction = self.task.reduction
        if (reduction.width_divisor, reduction.depth_divisor) != (1, 1):
            config = config.reduced(reduction.width_divisor, reduction.depth_divisor)
        return config.fitted(**self._sizes) if self._sizes else config


def _family_roles(task: TaskConfig, mode: str, adapt: Callable[[Any], Any]) -> Roles:
    from uhn.models.model_sets import FAMILIES

    family = FAMILIES[task.model]
    train, test, members = family.splits.train, family.splits.test, task.reduction.members
    share = len(test) if members is None else max(round(members * len(test) / family.size), 2)
    reported = task.reduction.reported or share
    test = test[:reported]
    train = _distinct(train, test, family, adapt)[: None if members is None else members - reported]
    groups = {"seen": train[:reported], "unseen": test}
    if mode == "tuning":
        groups = {"": train[-reported:]}
        train = _distinct(train[:-reported], groups[""], family, adapt)
    if not train:
        raise UserError(
            f"family {task.model}: with targets reduced by {task.reduction.digest} no architecture differs from the "
            "unseen ones; reduce less"
        )
    reported_names = {heading: tuple(family.member_names(group)) for heading, group in groups.items()}
    return Roles(tuple(family.member_names(train)), reported_names)


def _distinct(
    members: Sequence[int], others: Sequence[int], family: ModelFamily, adapt: Callable[[Any], Any]
) -> Sequence[int]:
    """Leave out members that a reduction makes equal to one of the others, which would then not be unseen."""
    excluded = {adapt(family.config(other)) for other in others}
    return [member for member in members if adapt(family.config(member)) not in excluded]
