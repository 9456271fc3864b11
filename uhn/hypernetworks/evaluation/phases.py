"""Phases of a component's grid in float64: a base and one step per axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from uhn.descriptors.index import ComponentGrid
from uhn.descriptors.normalization import EPSILON, Normalizer
from uhn.hypernetworks.encodings import GaussianFourier


@dataclass(frozen=True)
class GridPhases:
    """phase(n) = base + sum over axes of n_axis * step_axis, for every frequency.

    Shapes:
        base (F,), steps one (F,) per axis, float64; extents one integer per axis
    """

    base: Tensor
    steps: tuple[Tensor, ...]
    extents: tuple[int, ...]

    @property
    def rows(self) -> int:
        """Number of grid points."""
        return math.prod(self.extents)


def grid_phases(grid: ComponentGrid, normalizer: Normalizer, encoding: GaussianFourier) -> GridPhases:
    """Compute the phases of a grid from a generator's float32 constants, in float64 and on the CPU."""
    frequencies = encoding.frequencies.double().cpu()
    scale = torch.sqrt(normalizer.var.double().cpu() + EPSILON)
    centred = torch.from_numpy(grid.base_row()) - normalizer.mid.double().cpu()
    steps = tuple(frequencies[axis.field] / scale[axis.field] for axis in grid.axes)
    return GridPhases((centred / scale) @ frequencies, steps, tuple(axis.extent for axis in grid.axes))


def phase_table(base: Tensor, steps: tuple[Tensor, ...], extents: tuple[int, ...]) -> Tensor:
    """Return the phases of all grid points in row-major order. Shape (rows, F), float64."""
    axes = [
        torch.arange(extent, dtype=torch.float64).unsqueeze(1) * step
        for extent, step in zip(extents, steps, strict=True)
    ]
    table = reduce(lambda rows, axis: (rows.unsqueeze(1) + axis).flatten(0, 1), axes, torch.zeros_like(base)[None])
    return table + base


def rows_of(coordinates: Tensor, inner: int) -> Tensor:
    """Return the row-major rows at some coordinates of the slowest axis; each coordinate has ``inner`` rows."""
    return (coordinates.unsqueeze(1) * inner + torch.arange(inner, device=coordinates.device)).flatten()


def features(phases: Tensor, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return ``[cos, sin]`` of float64 phases, rounded once. Shape (rows, 2 F)."""
    return torch.cat([phases.cos(), phases.sin()], dim=-1).to(device, dtype)
