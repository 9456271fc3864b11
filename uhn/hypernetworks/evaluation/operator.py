"""The encoding and the first layer as one linear operator: its interface, and its one autograd function."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from uhn.hypernetworks.evaluation.dense import DenseOperator


class FeatureOperator(Protocol):
    """The linear map ``W -> features @ W`` for some rows, and its adjoint.

    Args:
        rows, features: extents n and 2 F of the map.
        dtype: of the arithmetic; weights and rows may be wider.
        nbytes: of what it shares with no other target.

    Shapes:
        weight (2 F, d), rows (n, d)
    """

    rows: int
    features: int
    dtype: torch.dtype
    nbytes: int

    def forward(self, weight: Tensor, out: Tensor) -> None:
        """Write ``features @ weight`` to ``out`` (rows, d)."""

    def adjoint(self, grad: Tensor, out: Tensor) -> None:
        """Add ``features.T @ grad`` to ``out`` (2 F, d)."""

    def split(self, rows: int) -> list[FeatureOperator]:
        """Cut the map into operators of at most about so many rows, as far as its structure allows."""

    def tensor_order(self) -> Tensor:
        """Return the row of each scalar, in row-major order of the tensor."""


def apply_operators(operators: Sequence[FeatureOperator], weight: Tensor, bias: Tensor) -> Tensor:
    """Evaluate the layer on the stacked rows of operators.

    If all operators compute in one type, narrower than the weight's, the result keeps that type under autocast.

    Shapes:
        weight (d, 2 F), bias (d,) -> (sum of rows, d)
    """
    if len(operators) == 1 and isinstance(operators[0], DenseOperator) and operators[0].dtype == weight.dtype:
        return F.linear(operators[0].matrix, weight, bias)
    dtypes = {operator.dtype for operator in operators}
    narrow = len(dtypes) == 1 and torch.is_autocast_enabled(weight.device.type)
    return ApplyOperators.apply(weight.T.contiguous(), operators, *dtypes if narrow else (weight.dtype,)).add_(bias)


class ApplyOperators(torch.autograd.Function):
    """Stack the rows of several operators. The map is linear, so nothing is kept for the backward pass.

    Each operator chooses its types itself: both passes switch autocast off. The gradient of the weight is summed in the
    weight's type.

    Shapes:
        weight (2 F, d) -> (sum of rows, d)
    """

    @staticmethod
    def forward(ctx, weight: Tensor, operators: Sequence[FeatureOperator], dtype: torch.dtype) -> Tensor:
        ctx.operators, ctx.dtype = operators, weight.dtype
        out = weight.new_empty(sum(op.rows for op in operators), weight.shape[1], dtype=dtype)
        with torch.autocast(weight.device.type, enabled=False):
            for operator, rows in zip(operators, out.split([op.rows for op in operators]), strict=True):
                operator.forward(weight, rows)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        operators = ctx.operators
        grad = grad.contiguous()
        total = grad.new_zeros(operators[0].features, grad.shape[1], dtype=ctx.dtype)
        with torch.autocast(grad.device.type, enabled=False):
            for operator, rows in zip(operators, grad.split([op.rows for op in operators]), strict=True):
                operator.adjoint(rows, total)
        return total, None, None
