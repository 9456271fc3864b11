"""Reordering rows."""

from __future__ import annotations

import torch
from torch import Tensor


class Permutation:
    """A reordering of rows whose gradient is gathered, like the rows.

    The gradient of ``rows[order]`` in torch is a sum, as if ``order`` could repeat a row. To make that sum
    deterministic on a GPU, torch sorts ``order`` in every step.

    Args:
        order: a permutation; row ``order[i]`` becomes row i.

    Shapes:
        order (n,) int64; rows (n, ...) -> the same
    """

    def __init__(self, order: Tensor) -> None:
        self.order = order
        self.inverse = torch.empty_like(order)
        self.inverse[order] = torch.arange(len(order), device=order.device)

    def __len__(self) -> int:
        return len(self.order)

    @property
    def nbytes(self) -> int:
        """Bytes of both directions."""
        return self.order.nbytes + self.inverse.nbytes

    def __call__(self, rows: Tensor) -> Tensor:
        """Reorder."""
        return _Gather.apply(rows, self.order, self.inverse)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx, rows: Tensor, order: Tensor, inverse: Tensor) -> Tensor:
        ctx.save_for_backward(order, inverse)
        return rows[order]

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        order, inverse = ctx.saved_tensors
        return _Gather.apply(grad, inverse, order), None, None
