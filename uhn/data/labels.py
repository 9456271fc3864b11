"""Checks of class labels, the same for every data set."""

from __future__ import annotations

import torch
from torch import Tensor

from uhn.errors import UserError


def require_classes(labels: Tensor, classes: int, what: str) -> None:
    """Demand that labels lie in 0..classes-1 and that no class is empty.

    Shapes:
        labels (n,) int64

    Raises:
        UserError: naming the classes that are empty or the label that is out of range.
    """
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise UserError(
            f"{what}: expected labels 0 to {classes - 1}, found {int(labels.min())} to {int(labels.max())}; "
            "give the published files"
        )
    counts = torch.bincount(labels, minlength=classes)
    if empty := (counts == 0).nonzero().flatten().tolist():
        raise UserError(
            f"{what}: expected examples of all {classes} classes, found none of class {', '.join(map(str, empty))}; "
            "give data that hold every class"
        )
