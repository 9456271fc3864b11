"""Inputs of a cell: vectors, or one-hot vectors that are never written out."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor


class OneHot(NamedTuple):
    """One-hot vectors: the index of the entry that is not zero, and its value.

    Args:
        symbols: indices, int64.
        value: what the entry holds; None for 1. Dropout of the input sets it to 0 or to 1 / keep.

    Shapes:
        both (...)
    """

    symbols: Tensor
    value: Tensor | None = None

    def step(self, t: int) -> OneHot:
        """Return the inputs of one step, the first axis being time."""
        return OneHot(self.symbols[t], None if self.value is None else self.value[t])


def input_product(x: Tensor | OneHot, weight: Tensor) -> Tensor:
    """Multiply every gate's weights with the inputs: ``W_x x`` for all gates and all steps in one product.

    For one-hot inputs the product is a lookup of rows.

    Shapes:
        x (..., inputs) or one-hot (...), weight (4, units, inputs) -> (..., 4, units)
    """
    rows = weight.flatten(0, 1)  # (4 units, inputs)
    if isinstance(x, OneHot):
        product = F.embedding(x.symbols, rows.t().contiguous())
        if x.value is not None:
            product = product * x.value[..., None]
    else:
        product = F.linear(x, rows)
    return product.unflatten(-1, weight.shape[:2])
