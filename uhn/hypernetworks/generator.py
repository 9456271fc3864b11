"""The interface of all generators: ``generator(target) -> {name: tensor}``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar

from torch import Tensor, nn

from uhn.errors import UserError
from uhn.models.base import Target, TargetModel


class Generator(nn.Module, ABC):
    """A module that makes the weights of target models and is trained through them.

    Attributes:
        uses_rows: whether it saves work when it is told which rows will be read. Where this is False, callers need not
            spend time on finding them out.
    """

    uses_rows: ClassVar[bool] = False

    @abstractmethod
    def forward(self, target: TargetModel, rows: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Generate the weights of a target model.

        Args:
            target: the model.
            rows: for some tensors, the only rows that will be read, as `TargetModel.rows_read` returns them. A
                generator that ``uses_rows`` generates these alone and returns zeros for the others; all other
                generators generate everything.

        Returns:
            Tensors by name of the model's parameters.

        Shapes:
            rows one (kept,) int64 per name: sorted unique indices along the tensor's first axis
        """

    def generate_many(self, targets: Iterable[Target]) -> list[dict[str, Tensor]]:
        """Generate weights of several targets of one architecture, for instance of several tasks, one by one.

        Returns:
            One weight set for each target; `AdaptedModel.run_many` runs them at once.

        Raises:
            UserError: the targets have parameters of different names or shapes.
        """
        targets = list(targets)
        for target in targets[1:]:
            if target.shapes != targets[0].shapes:
                raise UserError(
                    f"targets: expected one architecture, '{target.name}' has other parameters than "
                    f"'{targets[0].name}'; call the generator on each"
                )
        return [self(target) for target in targets]
