"""Dropout of inputs, outputs and candidate values. Rates are given as the share that is kept, as in the paper."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from uhn.recurrent.inputs import OneHot


def dropout_mask(shape: tuple[int, ...], keep: float, like: Tensor) -> Tensor:
    """Draw factors that are ``1 / keep`` with probability ``keep`` and 0 otherwise, of another tensor's kind."""
    return torch.empty(shape, dtype=like.dtype, device=like.device).bernoulli_(keep).div_(keep)


def drop_input(x: Tensor | OneHot, keep: float, like: Tensor) -> Tensor | OneHot:
    """Drop entries of the input. A one-hot input has one entry to drop.

    Args:
        x: the input.
        keep: share of entries kept.
        like: a tensor of the type and on the device that products are to have.
    """
    if isinstance(x, OneHot):
        return x._replace(value=dropout_mask(x.symbols.shape, keep, like))
    return F.dropout(x, 1 - keep)
