"""Initialisation targets and the direct-training draws that have these statistics (paper, Section 3.4)."""

from __future__ import annotations

import math

from torch import Tensor, nn

from uhn.layers.base import InitTarget

ZERO_TARGET = InitTarget(0.0, 0.0)


def uniform_target(fan_in: int) -> InitTarget:
    """Return the statistics of U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""
    return InitTarget(0.0, 1 / math.sqrt(3 * fan_in))


def glorot_target(size_a: int, size_b: int) -> InitTarget:
    """Return the statistics of a Glorot (Xavier) draw over two sizes."""
    return InitTarget(0.0, math.sqrt(2 / (size_a + size_b)))


def draw_uniform(parameter: Tensor, fan_in: int) -> None:
    """Draw U(-1/sqrt(fan_in), 1/sqrt(fan_in)), PyTorch's default of linear and convolution layers."""
    bound = 1 / math.sqrt(fan_in)
    nn.init.uniform_(parameter, -bound, bound)


def draw_glorot(parameter: Tensor, size_a: int, size_b: int) -> None:
    """Draw the uniform Glorot distribution."""
    bound = math.sqrt(6 / (size_a + size_b))
    nn.init.uniform_(parameter, -bound, bound)
