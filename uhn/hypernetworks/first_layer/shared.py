"""What the plans of one generator share: a thousand targets differ in extents, seldom in anything else."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

from uhn.descriptors.index import Axis, ComponentGrid
from uhn.descriptors.normalization import Normalizer
from uhn.hypernetworks.encodings import GaussianFourier, exact_features
from uhn.hypernetworks.first_layer.phases import features, phase_table
from uhn.hypernetworks.first_layer.policy import TABLE_ROWS
from uhn.hypernetworks.first_layer.structured import GriddedPlane

# Tables grow by blocks of so many coordinates, computed alone: the last digits of a product depend on the number of its
# rows, and those of a feature must not depend on which target came first.
BLOCK = 32

T = TypeVar("T")


@dataclass(frozen=True)
class Gridding:
    """How a component is evaluated through a plane.

    Args:
        axes: positions of the two gridded axes.
        plane: their gridding.
        macs: multiply-adds per hidden unit.
    """

    axes: tuple[int, int]
    plane: GriddedPlane
    macs: float


class SharedParts:
    """Planes, choices of them and feature tables, each computed once for all targets of a generator.

    Args:
        normalizer, encoding: of the generator's index branch.
        dtype, device: of its first layer.
        feature_dtype: in which features are kept.
    """

    def __init__(
        self,
        normalizer: Normalizer,
        encoding: GaussianFourier,
        dtype: torch.dtype,
        device: torch.device,
        feature_dtype: torch.dtype,
    ) -> None:
        self.normalizer, self.encoding = normalizer, encoding
        self.dtype, self.device, self.feature_dtype = dtype, device, feature_dtype
        self.computed = 0  # times that anything was
        self._kept: dict[Hashable, object] = {}
        self._tables: dict[Hashable, list[Tensor]] = {}

    def plane(
        self, axes: tuple[Axis, Axis], steps: tuple[Tensor, Tensor], accuracy: tuple[float, int], most: float
    ) -> GriddedPlane | None:
        """Return the plane of two axes; None where its relative error is larger than ``most``."""

        def compute() -> GriddedPlane | None:
            extents = tuple(axis.extent for axis in axes)
            plane = GriddedPlane(steps, extents, *accuracy, self.dtype, self.device)
            return plane if plane.error <= most else None

        return self._once(("plane", axes, accuracy), compute)

    def gridding(self, axes: tuple[Axis, ...], choose: Callable[[], Gridding | None]) -> Gridding | None:
        """Return how components with these axes are gridded: ``choose`` is asked once."""
        return self._once(("gridding", axes), choose)

    def inner_features(self, axes: tuple[Axis, ...], steps: tuple[Tensor, ...]) -> Tensor:
        """Return the features of the phases that some axes alone make, from phase 0. Shape (rows, 2 F)."""

        def compute() -> Tensor:
            phases = phase_table(torch.zeros_like(steps[0]), steps, tuple(axis.extent for axis in axes))
            return features(phases, self.feature_dtype, self.device)

        return self._once(("inner", axes), compute)

    def write_features(self, grid: ComponentGrid, out: Tensor) -> None:
        """Write a component's features to ``out`` (rows, 2 F).

        Components of at most ``TABLE_ROWS`` rows share one table with all that differ only in the extent of their
        longest axis, along which it grows.
        """
        if not len(grid):
            return
        if len(grid) > TABLE_ROWS or not grid.axes:
            self._compute_features(grid, 0, out)
            return
        extents = [axis.extent for axis in grid.axes]
        place = extents.index(max(extents))
        others = grid.axes[:place] + grid.axes[place + 1 :]
        along_longest = out.view(*extents, -1).movedim(place, 0)
        blocks = self._blocks(replace(grid, axes=(grid.axes[place], *others)), out.shape[1])
        for part, block in zip(along_longest.split(BLOCK), blocks, strict=False):
            part.copy_(block.unflatten(0, (BLOCK, *part.shape[1:-1]))[: len(part)])

    def _blocks(self, grid: ComponentGrid, width: int) -> list[Tensor]:
        """Return at least the features of a component whose first axis is its longest. Shape (rows, 2 F) each."""
        longest, others = grid.axes[0], grid.axes[1:]
        blocks = self._tables.setdefault((grid.layer_idx, grid.layer_type, grid.param_type, longest.field, others), [])
        rows = BLOCK * math.prod(axis.extent for axis in others)
        whole = replace(grid, axes=(replace(longest, extent=BLOCK * -(-longest.extent // BLOCK)), *others))
        for start in range(len(blocks) * rows, len(whole), rows):
            self.computed += 1
            blocks.append(torch.empty(rows, width, dtype=self.feature_dtype, device=self.device))
            self._compute_features(whole, start, blocks[-1])
        return blocks

    def _compute_features(self, grid: ComponentGrid, start: int, out: Tensor) -> None:
        for first in range(0, len(out), TABLE_ROWS):
            part = out[first : first + TABLE_ROWS]
            rows = torch.as_tensor(grid.materialise(start + first, start + first + len(part)), device=self.device)
            part.copy_(exact_features(self.normalizer, self.encoding, rows, self.feature_dtype))

    def _once(self, key: Hashable, compute: Callable[[], T]) -> T:
        if key not in self._kept:
            self.computed += 1
            self._kept[key] = compute()
        return self._kept[key]
