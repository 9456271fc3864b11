"""Loss and metrics that all classification tasks share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy. Half precision, as under autocast, is widened to float32."""
    return F.cross_entropy(logits.to(torch.promote_types(logits.dtype, torch.float32)), labels)


class Score:
    """Cross-entropy and accuracy over batches; sums stay on the device until asked for."""

    def __init__(self) -> None:
        self._loss: Tensor | float = 0.0
        self._correct: Tensor | int = 0
        self._count = 0

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Count a batch. Shapes: logits (b, classes), labels (b,)."""
        self._loss = self._loss + F.cross_entropy(logits.double(), labels, reduction="sum")
        self._correct = self._correct + (logits.argmax(dim=1) == labels).sum()
        self._count += len(labels)

    def result(self) -> dict[str, float]:
        """Return the mean ``loss`` and the ``accuracy``."""
        sums = torch.stack([self._loss, self._correct.double()]).tolist()
        return {"loss": sums[0] / self._count, "accuracy": sums[1] / self._count}
