"""Direct training: the target's own parameters behind the generator interface (the paper's baseline)."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from uhn.hypernetworks.generator import Generator
from uhn.models.base import TargetModel


class Direct(Generator):
    """Hand out the parameters of one target model, which the optimiser then trains.

    Deviation: the paper gives learning rates and epochs of direct training but neither warm-up nor seeds; the
    UHN's are used.

    Args:
        target: the model; other targets are refused.
    """

    def __init__(self, target: TargetModel) -> None:
        super().__init__()
        self.target = target

    def forward(self, target: TargetModel, rows: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Return the trainable parameters themselves, all of their rows."""
        if target is not self.target:
            raise ValueError(f"direct training holds the weights of {self.target.name}, not of {target.name}")
        return dict(self.target.named_parameters())
