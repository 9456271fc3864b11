"""How many of a HyperLSTM's N_z embedding entries act differently from each other."""

from __future__ import annotations

import torch
from torch import Tensor

from uhn.recurrent.hyperlstm import HyperLSTMCell


def effective_rank(cell: HyperLSTMCell) -> Tensor:
    """Return the numerical rank of every map from z to d_h, d_x and b.

    Singular values count that exceed the largest one times the larger side of the matrix times the rounding unit of
    its type. The bound for W_hz and W_xz is N_z; under the paper's initialisation they stay at 1 (see
    `HyperLSTMCell`), and W_bz starts at 0, being zero.

    Shapes:
        (3, 4) int64: roles in the order of `uhn.recurrent.hyperlstm.ROLES`, gates in that of `GATES`
    """
    weight = cell.projection_weight.detach()
    tolerance = max(weight.shape[-2:]) * torch.finfo(weight.dtype).eps
    return torch.linalg.matrix_rank(weight.double(), rtol=tolerance)


def column_spread(cell: HyperLSTMCell) -> Tensor:
    """Return how far the N_z columns of each map from z are from their mean, relative to that mean (norms).

    Exactly 0 as long as the symmetry of the paper's initialisation holds. Not a number where all columns are zero.

    Shapes:
        (3, 4): roles and gates as in `effective_rank`
    """
    weight = cell.projection_weight.detach().double()
    mean = weight.mean(-1, keepdim=True)
    return (weight - mean).flatten(2).norm(dim=-1) / (mean.expand_as(weight)).flatten(2).norm(dim=-1)
