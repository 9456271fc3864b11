"""Features kept in memory: one matrix product."""

from __future__ import annotations

import torch
from torch import Tensor


class DenseOperator:
    """Multiply by a stored feature matrix.

    Args:
        matrix: features of all rows, possibly of several components, in a shared block.

    Shapes:
        matrix (rows, 2 F)
    """

    def __init__(self, matrix: Tensor) -> None:
        self.matrix = matrix
        self.rows, self.features = matrix.shape
        self.dtype = matrix.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of the matrix."""
        return self.matrix.nbytes

    def forward(self, weight: Tensor, out: Tensor) -> None:
        """Write ``matrix @ weight``."""
        if out.dtype == self.dtype:
            torch.mm(self.matrix, weight.to(self.dtype), out=out)
        else:
            out.copy_(self.matrix @ weight.to(self.dtype))

    def adjoint(self, grad: Tensor, out: Tensor) -> None:
        """Add ``matrix.T @ grad``."""
        if out.dtype == self.dtype:
            out.addmm_(self.matrix.T, grad)
        else:
            out += self.matrix.T @ grad.to(self.dtype)

    def split(self, rows: int) -> list[DenseOperator]:
        """Cut between rows."""
        return [DenseOperator(matrix) for matrix in self.matrix.split(rows)]

    def tensor_order(self) -> Tensor:
        """Return the row of each scalar: rows are in tensor order already."""
        return torch.arange(self.rows, device=self.matrix.device)
