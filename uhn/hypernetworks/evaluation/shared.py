"""Tables that all plans of one generator share: a thousand targets differ in extents, seldom in anything else."""

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
from uhn.hypernetworks.evaluation.gridding_costs import affordable_griddings
from uhn.hypernetworks.evaluation.phases import GridPhases, features, grid_phases, phase_table
from uhn.hypernetworks.evaluation.policy import TABLE_ROWS, considers_gridding
from uhn.hypernetworks.evaluation.structured import GriddedPlane

# Tables grow by blocks of so many coordinates, each computed alone: the last digits of a product depend on the number
# of its rows, and those of a feature must not depend on which target came first.
BLOCK = 32
# A predicted error is an average over coefficients; the error of a particular weight scatters around it.
MARGIN = 0.8

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


class SharedTables:
    """Planes, choices of them and feature tables, each computed once for all targets of a generator.

    Args:
        normalizer, encoding: of the generator's index branch.
        dtype, device: of its first layer.
        feature_dtype: in which features are kept; ``dtype`` by default.
        route: ``auto``, or one evaluation for all components that admit it.
        tolerance: largest predicted error of a structured evaluation, relative.
    """

    def __init__(
        self,
        normalizer: Normalizer,
        encoding: GaussianFourier,
        *,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
        feature_dtype: torch.dtype | None = None,
        route: str = "auto",
        tolerance: float = 1e-5,
    ) -> None:
        self.normalizer, self.encoding = normalizer, encoding
        self.dtype, self.device = dtype, device or torch.device("cpu")
        self.feature_dtype = feature_dtype or dtype
        self.route, self.tolerance = route, tolerance
        self.num_computed = 0
        self._results: dict[Hashable, object] = {}
        self._blocks: dict[Hashable, list[Tensor]] = {}

    def phases(self, grid: ComponentGrid) -> GridPhases:
        """Return a component's phases."""
        return grid_phases(grid, self.normalizer, self.encoding)

    def gridding(self, grid: ComponentGrid) -> Gridding | None:
        """Return the cheapest gridding that is accurate enough; None where another evaluation is better.

        It depends on the component's axes alone.
        """
        return self._once(("gridding", grid.axes), lambda: self._choose_gridding(grid))

    def inner_features(self, axes: tuple[Axis, ...], steps: tuple[Tensor, ...]) -> Tensor:
        """Return the features of the phases that some axes make alone, from phase 0. Shape (rows, 2 F)."""

        def compute() -> Tensor:
            phases = phase_table(torch.zeros_like(steps[0]), steps, tuple(axis.extent for axis in axes))
            return features(phases, self.feature_dtype, self.device)

        return self._once(("inner", axes), compute)

    def write_features(self, grid: ComponentGrid, out: Tensor) -> None:
        """Write a component's features to ``out`` (rows, 2 F).

        Components of at most ``TABLE_ROWS`` rows share one table with all that differ only in the extent of their
        longest axis. The table grows along that axis.
        """
        if not len(grid):
            return
        if len(grid) > TABLE_ROWS or not grid.axes:
            self._compute_features(grid, 0, out)
            return
        extents = [axis.extent for axis in grid.axes]
        longest = extents.index(max(extents))
        other_axes = grid.axes[:longest] + grid.axes[longest + 1 :]
        rows_along_longest = out.view(*extents, -1).movedim(longest, 0)
        blocks = self._table(replace(grid, axes=(grid.axes[longest], *other_axes)), out.shape[1])
        for rows, block in zip(rows_along_longest.split(BLOCK), blocks, strict=False):
            rows.copy_(block.unflatten(0, (BLOCK, *rows.shape[1:-1]))[: len(rows)])

    def _choose_gridding(self, grid: ComponentGrid) -> Gridding | None:
        if not considers_gridding(self.device.type, self.route):
            return None
        phases = self.phases(grid)
        for priced in affordable_griddings(phases, self.tolerance, forced=self.route == "structured"):
            axes = tuple(grid.axes[axis] for axis in priced.axes)
            plane = self._plane(axes, tuple(phases.steps[axis] for axis in priced.axes), priced.accuracy)
            if plane is not None:
                return Gridding(priced.axes, plane, priced.macs)
        return None

    def _plane(
        self, axes: tuple[Axis, Axis], steps: tuple[Tensor, Tensor], accuracy: tuple[float, int]
    ) -> GriddedPlane | None:
        """Return the plane of two axes; None, and nothing is kept of it, where it is not accurate enough."""

        def compute() -> GriddedPlane | None:
            extents = tuple(axis.extent for axis in axes)
            plane = GriddedPlane(steps, extents, *accuracy, self.dtype, self.device)
            return plane if plane.error <= MARGIN * self.tolerance else None

        return self._once(("plane", axes, accuracy), compute)

    def _table(self, grid: ComponentGrid, width: int) -> list[Tensor]:
        """Return blocks of features that cover a component whose first axis is its longest. Shape (rows, 2 F) each."""
        longest, other_axes = grid.axes[0], grid.axes[1:]
        key = (grid.layer_idx, grid.layer_type, grid.param_type, longest.field, other_axes)
        blocks = self._blocks.setdefault(key, [])
        block_rows = BLOCK * math.prod(axis.extent for axis in other_axes)
        whole = replace(grid, axes=(replace(longest, extent=BLOCK * -(-longest.extent // BLOCK)), *other_axes))
        for start in range(len(blocks) * block_rows, len(whole), block_rows):
            self.num_computed += 1
            blocks.append(torch.empty(block_rows, width, dtype=self.feature_dtype, device=self.device))
            self._compute_features(whole, start, blocks[-1])
        return blocks

    def _compute_features(self, grid: ComponentGrid, start: int, out: Tensor) -> None:
        """Write the features of a component's rows from ``start`` on to ``out`` (rows, 2 F)."""
        for first in range(0, len(out), TABLE_ROWS):
            chunk = out[first : first + TABLE_ROWS]
            rows = torch.as_tensor(grid.materialise(start + first, start + first + len(chunk)), device=self.device)
            chunk.copy_(exact_features(self.normalizer, self.encoding, rows, self.feature_dtype))

    def _once(self, key: Hashable, compute: Callable[[], T]) -> T:
        if key not in self._results:
            self.num_computed += 1
            self._results[key] = compute()
        return self._results[key]
