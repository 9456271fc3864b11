"""Choosing an evaluation per component, and putting the rows back in order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import torch
from torch import Tensor

from uhn.descriptors.index import ComponentGrid
from uhn.descriptors.normalization import Normalizer
from uhn.hypernetworks.encodings import GaussianFourier
from uhn.hypernetworks.first_layer.dense import DenseOperator
from uhn.hypernetworks.first_layer.gridding import count_bins, grid_axis, wrap
from uhn.hypernetworks.first_layer.operator import FeatureOperator, OperatorStack
from uhn.hypernetworks.first_layer.phases import GridPhases, grid_phases, rows_of
from uhn.hypernetworks.first_layer.policy import considers_gridding, exact_routes, split_axes
from uhn.hypernetworks.first_layer.separable import SeparableOperator
from uhn.hypernetworks.first_layer.shared import Gridding, SharedParts
from uhn.hypernetworks.first_layer.structured import StructuredOperator, transform_macs

ROUTES = ("auto", "dense", "separable", "structured")

# (oversampling, taps): predicted errors of 1e-5 to 4e-8. Wide grids make longer products, many taps more spreading.
# Narrower grids with more taps, such as (1.25, 9), would be cheaper, but their deconvolution amplifies the rounding
# of float32 to 1e-5.
ACCURACIES = ((1.25, 8), (1.375, 8), (1.5, 7), (1.5, 8), (1.75, 6), (1.75, 7), (2.0, 6), (2.0, 8), (3.0, 5))
# Frequencies that a setting's error is estimated from before its plane is made.
SCREENED = 64
# A prediction is an average over coefficients; the error met with some weight scatters around it.
MARGIN = 0.8
# Below this many points along an axis spreading costs more than it saves.
MIN_PLANE_EXTENT = 16
# A multiply-add of the spreading costs this many of a matrix product.
SPREAD_WEIGHT = 1.6
# Share of the dense arithmetic above which the structured evaluation is not worth it.
WORTHWHILE = 0.7


@dataclass(frozen=True)
class ComponentReport:
    """How one component is evaluated.

    Args:
        rows: its scalars.
        route: the evaluation chosen.
        dtype: of its features or transforms.
        macs: multiply-adds per hidden unit of one forward pass.
        error: predicted error relative to exact features in that type; 0 where the evaluation is exact.
    """

    rows: int
    route: str
    dtype: torch.dtype
    macs: float
    error: float


@dataclass(frozen=True)
class _Part:
    """An operator, and the components that its rows belong to, with the number of rows of each."""

    operator: FeatureOperator
    components: tuple[int, ...]
    lengths: tuple[int, ...]


class FirstLayerPlan(OperatorStack):
    """``features(index rows) @ W.T + b`` for all components of a target, without their feature matrix where it pays.

    Args:
        grids: index descriptors of the components.
        normalizer, encoding: of the index branch.
        tolerance: largest predicted error of a structured evaluation, relative.
        cache_bytes: largest feature matrix to keep for one target.
        route: ``auto``, or one evaluation for all components that admit it (others stay dense).
        shared: what to share with other plans of the same generator, evaluated alike.
        dtype, device: of the layer.
        feature_dtype: in which dense and separable evaluations keep features; the layer's by default.

    Shapes:
        as `OperatorStack`, for all N scalars
    """

    def __init__(
        self,
        grids: Sequence[ComponentGrid],
        normalizer: Normalizer,
        encoding: GaussianFourier,
        *,
        tolerance: float = 1e-5,
        cache_bytes: int = 512 << 20,
        route: str = "auto",
        shared: SharedParts | None = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | None = None,
        feature_dtype: torch.dtype | None = None,
    ) -> None:
        self.dtype, self.device = dtype, device or torch.device("cpu")
        self.feature_dtype = feature_dtype or dtype
        self._shared = shared or SharedParts(normalizer, encoding, self.dtype, self.device, self.feature_dtype)
        self._tolerance = tolerance
        self._extents = [grid.axes[0].extent if grid.axes else 1 for grid in grids]
        self._parts: list[_Part] = []
        self._reports: dict[int, ComponentReport] = {}

        griddings = [self._shared.gridding(grid.axes, partial(self._choose, grid, route)) for grid in grids]
        left = {position: grid for position, grid in enumerate(grids) if griddings[position] is None}
        self._add_exact(left, cache_bytes, route)
        for position, gridding in enumerate(griddings):
            if gridding is not None:
                self._add_structured(position, grids[position], gridding)
        super().__init__([part.operator for part in self._parts], _tensor_order(self._parts))

    def restricted(self, coordinates: Mapping[int, Tensor]) -> OperatorStack:
        """Keep of some components only some coordinates of their first axis; scalar i is the i-th that is left.

        Args:
            coordinates: by position of the component; sorted and unique, on the plan's device.
        """
        parts: list[_Part] = []
        for part in self._parts:
            if coordinates.keys().isdisjoint(part.components):
                parts.append(part)
            elif isinstance(part.operator, DenseOperator):
                parts += self._restricted_block(part, coordinates)
            else:
                operator = part.operator.take(coordinates[part.components[0]])
                parts.append(_Part(operator, part.components, (operator.rows,)))
        return OperatorStack([part.operator for part in parts], _tensor_order(parts))

    def report(self) -> list[ComponentReport]:
        """Return how each component is evaluated, in flattening order."""
        return [self._reports[position] for position in sorted(self._reports)]

    def _choose(self, grid: ComponentGrid, route: str) -> Gridding | None:
        """Choose the structured evaluation of a component if it is admissible, accurate enough and cheaper."""
        if not considers_gridding(self.device.type, route):
            return None
        phases = self._phases(grid)
        longest = sorted(range(len(grid.axes)), key=lambda i: -phases.extents[i])[:2]
        forced = route == "structured"
        shortest = 2 if forced else MIN_PLANE_EXTENT
        if len(longest) < 2 or min(phases.extents[i] for i in longest) < shortest:
            return None
        slices = phases.rows // math.prod(phases.extents[i] for i in longest)
        for macs, axes, accuracy in self._settings_by_cost(phases, longest, slices):
            if not forced and macs >= WORTHWHILE * phases.rows * 2 * len(phases.base):
                return None
            steps = tuple(phases.steps[i] for i in axes)
            extents = tuple(phases.extents[i] for i in axes)
            if _estimated_error(steps, extents, accuracy) > self._tolerance:
                continue
            most = MARGIN * self._tolerance
            plane = self._shared.plane(tuple(grid.axes[i] for i in axes), steps, accuracy, most)
            if plane is not None:
                return Gridding(axes, plane, macs)
        return None

    def _settings_by_cost(
        self, phases: GridPhases, longest: list[int], slices: int
    ) -> list[tuple[float, tuple[int, int], tuple[float, int]]]:
        """Return (cost, axis order, accuracy) of all griddings of a plane, cheapest first."""
        found = []
        for axes in (tuple(longest), tuple(reversed(longest))):
            extents = tuple(phases.extents[i] for i in axes)
            first, second = (wrap(phases.steps[i]) for i in axes)
            for accuracy in ACCURACIES:
                _, width = accuracy
                bins = (
                    count_bins(first * torch.where(second < 0, -1.0, 1.0), extents[0], *accuracy),
                    count_bins(second.abs(), extents[1], *accuracy),
                )
                spread = 2 * len(first) * width**2
                cost = slices * (transform_macs(extents, bins) + SPREAD_WEIGHT * spread)
                found.append((cost, axes, accuracy))
        return sorted(found)

    def _add_exact(self, left: Mapping[int, ComponentGrid], cache_bytes: int, route: str) -> None:
        """Give the components at some positions features in one shared matrix, or rotations."""
        width, dtype = self._shared.encoding.width, self.feature_dtype
        extents = [tuple(axis.extent for axis in grid.axes) for grid in left.values()]
        routes = exact_routes(self.device.type, extents, width * dtype.itemsize, cache_bytes, route)
        block = {position: left[position] for position, own in zip(left, routes, strict=True) if own == "dense"}
        if block:
            lengths = tuple(map(len, block.values()))
            matrix = torch.empty(sum(lengths), width, dtype=dtype, device=self.device)
            for grid, out in zip(block.values(), matrix.split(lengths), strict=True):
                self._shared.write_features(grid, out)
            self._parts.append(_Part(DenseOperator(matrix), tuple(block), lengths))
        for (position, grid), own in zip(left.items(), routes, strict=True):
            if own == "separable":
                self._add_separable(position, grid)
            self._reports[position] = ComponentReport(len(grid), own, dtype, len(grid) * width, 0.0)

    def _add_separable(self, position: int, grid: ComponentGrid) -> None:
        phases = self._phases(grid)
        outer, inner_axes = split_axes(phases.extents)
        steps = tuple(phases.steps[axis] for axis in inner_axes)
        inner = self._shared.inner_features(tuple(grid.axes[axis] for axis in inner_axes), steps)
        self._add(position, SeparableOperator(phases, outer, inner, self.dtype))

    def _add_structured(self, position: int, grid: ComponentGrid, gridding: Gridding) -> None:
        plane = gridding.plane
        operator = StructuredOperator(self._phases(grid), gridding.axes, plane, self.dtype, self.device)
        self._add(position, operator)
        self._reports[position] = ComponentReport(operator.rows, "structured", self.dtype, gridding.macs, plane.error)

    def _phases(self, grid: ComponentGrid) -> GridPhases:
        return grid_phases(grid, self._shared.normalizer, self._shared.encoding)

    def _add(self, position: int, operator: FeatureOperator) -> None:
        self._parts.append(_Part(operator, (position,), (operator.rows,)))

    def _restricted_block(self, part: _Part, coordinates: Mapping[int, Tensor]) -> Iterator[_Part]:
        """Cut a shared feature matrix: restricted components are copied in part, what lies between them is not."""
        start = 0
        members = zip(part.components, part.lengths, strict=True)
        for restricted, run in groupby(members, key=lambda member: member[0] if member[0] in coordinates else None):
            positions, lengths = zip(*run, strict=True)
            matrix = part.operator.matrix[start : start + sum(lengths)]
            start += sum(lengths)
            if restricted is not None:
                matrix = matrix[rows_of(coordinates[restricted], lengths[0] // self._extents[restricted])]
                lengths = (len(matrix),)
            yield _Part(DenseOperator(matrix), positions, lengths)


def _tensor_order(parts: Sequence[_Part]) -> Tensor:
    """Return the row of every scalar in the stacked parts, tensor by tensor."""
    places: dict[int, Tensor] = {}
    start = 0
    for part in parts:
        rows = start + part.operator.tensor_order()
        places |= zip(part.components, rows.split(part.lengths), strict=True)
        start += part.operator.rows
    return torch.cat([places[position] for position in sorted(places)])


def _estimated_error(steps: tuple[Tensor, Tensor], extents: tuple[int, int], accuracy: tuple[float, int]) -> float:
    """Estimate a plane's error from some of its frequencies."""
    errors = [
        grid_axis(wrap(step[:SCREENED]), extent, *accuracy).error for step, extent in zip(steps, extents, strict=True)
    ]
    return math.hypot(*errors)
