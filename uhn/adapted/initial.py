"""Targets of the initialisation phase for tensors of any module (paper, Section 3.4).

A module says how it starts by the tensors it was constructed with. Their mean and population standard deviation are
the targets, but for the paper's layers as PyTorch initialises them: those have closed forms without sampling noise.
"""

from __future__ import annotations

import math

from torch import Tensor

from uhn.layers.base import InitTarget
from uhn.layers.initialization import ZERO_TARGET, glorot_target, uniform_target

# Standard errors by which the statistics of a drawn tensor may miss the closed form.
TOLERATED_ERRORS = 5.0


def initial_target(tensor: Tensor, start: str | None, weight: Tensor) -> InitTarget:
    """Return what the initialisation phase aims at for a component.

    Args:
        tensor: as constructed, real.
        start: the distribution it is expected to be drawn from: ``uniform`` (PyTorch's default with the layer's fan
            in), ``glorot``, ``normal``, ``zero``; None if unknown.
        weight: the layer's first tensor, which has the fan in.

    Returns:
        The closed form where the tensor's statistics agree with it, otherwise the statistics.
    """
    values = tensor.detach().double()
    if not values.numel():
        return ZERO_TARGET
    measured = InitTarget(values.mean().item(), values.std(correction=0).item())
    expected = _closed_form(start, tensor, weight)
    return expected if expected is not None and _agree(measured, expected, values.numel()) else measured


def _closed_form(start: str | None, tensor: Tensor, weight: Tensor) -> InitTarget | None:
    match start:
        case "uniform" if weight.ndim > 1:
            return uniform_target(math.prod(weight.shape[1:]))
        case "glorot":
            return glorot_target(*tensor.shape[-2:])
        case "normal":
            return InitTarget(0.0, 1.0)
        case "zero":
            return ZERO_TARGET
    return None


def _agree(measured: InitTarget, expected: InitTarget, count: int) -> bool:
    if count > 1 and measured.std == 0 < expected.std:
        return False  # set to a constant, not drawn
    error = TOLERATED_ERRORS * expected.std / math.sqrt(count)
    return abs(measured.mean - expected.mean) <= error and abs(measured.std - expected.std) <= error
