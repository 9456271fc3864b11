"""The interface of all generators: ``generator(target) -> {name: tensor}``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from uhn.models.base import TargetModel


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
