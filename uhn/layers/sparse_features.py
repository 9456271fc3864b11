"""Node features as the sparse matrices they are: of PubMed's entries a tenth are not zero, of Cora's one in eighty.

On a CPU, dropping and multiplying zeros is most of the time of a graph's training step.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

# What torch calls beta is checked against dense arithmetic by this project's tests.
warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")


@dataclass(frozen=True)
class Pattern:
    """Where the entries of a sparse matrix are, by rows and by columns.

    Args:
        shape: of the matrix.
        rows, columns: row pointers and column indices of its compressed rows.
        transposed_rows, transposed_columns: the same of its transpose.
        order: which entry of the matrix comes where in its transpose.
    """

    shape: tuple[int, int]
    rows: Tensor
    columns: Tensor
    transposed_rows: Tensor
    transposed_columns: Tensor
    order: Tensor


class SparseFeatures:
    """Features (nodes, f) that a graph layer takes in place of a dense tensor, on a CPU.

    Args:
        pattern: places of the entries.
        values: the entries, row by row.
    """

    def __init__(self, pattern: Pattern, values: Tensor) -> None:
        self.pattern = pattern
        self.values = values

    @classmethod
    def from_dense(cls, features: Tensor) -> SparseFeatures:
        """Compress a matrix. Shape (nodes, f)."""
        nodes, columns = features.nonzero(as_tuple=True)
        order = (columns * len(features) + nodes).argsort()
        pattern = Pattern(
            tuple(features.shape),
            _pointers(nodes, features.shape[0]),
            columns,
            _pointers(columns[order], features.shape[1]),
            nodes[order],
            order,
        )
        return cls(pattern, features[nodes, columns])

    @property
    def shape(self) -> tuple[int, int]:
        """Nodes and features."""
        return self.pattern.shape

    @property
    def dtype(self) -> torch.dtype:
        """Type of the entries."""
        return self.values.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def dropout(self, rate: float) -> SparseFeatures:
        """Drop entries; zeros have nothing to drop."""
        return SparseFeatures(self.pattern, F.dropout(self.values, rate, training=True))

    def linear(self, weight: Tensor) -> Tensor:
        """Multiply by a dense matrix. Shapes: weight (out, f) -> (nodes, out)."""
        return _SparseLinear.apply(self.values, weight, self.pattern)


class _SparseLinear(torch.autograd.Function):
    """``x @ weight.T`` with a gradient for the weight alone; torch's own transposes the matrix in every step.

    In the features' type also under autocast: there are no sparse products in half precision.
    """

    @staticmethod
    def forward(ctx, values: Tensor, weight: Tensor, pattern: Pattern) -> Tensor:
        ctx.pattern = pattern
        ctx.weight_dtype = weight.dtype
        ctx.save_for_backward(values)
        with torch.autocast(values.device.type, enabled=False):
            return _compressed(pattern.rows, pattern.columns, values, pattern.shape) @ weight.T.to(values.dtype)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[None, Tensor, None]:
        (values,) = ctx.saved_tensors
        pattern = ctx.pattern
        transposed = _compressed(
            pattern.transposed_rows, pattern.transposed_columns, values[pattern.order], pattern.shape[::-1]
        )
        return None, (transposed @ gradient.contiguous()).T.to(ctx.weight_dtype), None


def _compressed(rows: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    return torch.sparse_csr_tensor(rows, columns, values, shape, check_invariants=False)


def _pointers(indices: Tensor, count: int) -> Tensor:
    return F.pad(torch.bincount(indices, minlength=count).cumsum(0), (1, 0))
