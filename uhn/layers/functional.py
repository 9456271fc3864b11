"""Pieces that several layers share: norms without parameters, dropout, an optional bias, shape checks."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from uhn.errors import UserError
from uhn.layers.sparse_features import SparseFeatures

Activations = Tensor | SparseFeatures

NORM_EPS = 1e-5


def layer_norm(x: Tensor) -> Tensor:
    """Normalise over the last dimension, without affine parameters."""
    return F.layer_norm(x, x.shape[-1:], eps=NORM_EPS)


def dropout(x: Activations, rate: float, training: bool) -> Activations:
    """Drop activations in training; a rate of 0 draws no random numbers."""
    if isinstance(x, SparseFeatures):
        return x.dropout(rate) if training and rate > 0 else x
    return F.dropout(x, rate, training) if rate > 0 else x


def linear(x: Activations, weight: Tensor) -> Tensor:
    """Multiply dense activations or sparse features by a matrix. Shapes: x (n, in), weight (out, in) -> (n, out)."""
    return x.linear(weight) if isinstance(x, SparseFeatures) else F.linear(x, weight)


def present(bias: Tensor) -> Tensor | None:
    """Return a bias, or None where it is switched off (a parameter of length 0)."""
    return bias if bias.numel() else None


def check_shortcut(layer: str, in_size: int, out_size: int, resized: bool = False) -> None:
    """Refuse an identity shortcut around a layer that changes the shape.

    Raises:
        UserError: input and output differ.
    """
    if in_size != out_size or resized:
        found = f"{in_size} -> {out_size}" + (" with a changed resolution" if resized else "")
        raise UserError(f"{layer} with shortcut: expected equal input and output shapes, got {found}")


def check_divides(layer: str, part: str, count: int, width: int) -> None:
    """Refuse a number of groups or heads that does not divide a width.

    Raises:
        UserError: count is not positive or leaves a remainder.
    """
    if count < 1 or width % count:
        raise UserError(f"{layer}: expected a number of {part} that divides width {width}, got {count}")
