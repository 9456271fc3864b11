"""How the first layer of each component of a target is evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from uhn.descriptors.index import ComponentGrid
from uhn.hypernetworks.evaluation.dense import DenseOperator
from uhn.hypernetworks.evaluation.policy import exact_routes, split_axes
from uhn.hypernetworks.evaluation.separable import SeparableOperator
from uhn.hypernetworks.evaluation.shared import Gridding, SharedTables
from uhn.hypernetworks.evaluation.stack import ComponentRows, OperatorStack, Segment
from uhn.hypernetworks.evaluation.structured import StructuredOperator


@dataclass(frozen=True)
class ComponentReport:
    """How one component is evaluated.

    Args:
        rows: its scalars.
        route: ``dense``, ``separable`` or ``structured``.
        dtype: of its features or transforms.
        macs: multiply-adds per hidden unit of one forward pass.
        error: predicted error relative to exact features in that type; 0 where the evaluation is exact.
    """

    rows: int
    route: str
    dtype: torch.dtype
    macs: float
    error: float


class FirstLayerPlan(OperatorStack):
    """``features(index rows) @ W.T + b`` for all components of a target, without their feature matrix where it pays.

    Args:
        grids: index descriptors of the components.
        shared: what the plan has in common with other plans of the same generator.
        cache_bytes: largest feature matrix to keep for one target.

    Shapes:
        as `OperatorStack`, for all N scalars
    """

    def __init__(self, grids: Sequence[ComponentGrid], shared: SharedTables, cache_bytes: int = 512 << 20) -> None:
        griddings = {position: shared.gridding(grid) for position, grid in enumerate(grids)}
        gridded = {position: gridding for position, gridding in griddings.items() if gridding is not None}
        exact = [position for position in griddings if position not in gridded]
        extents = [tuple(axis.extent for axis in grids[position].axes) for position in exact]
        row_bytes = shared.encoding.width * shared.feature_dtype.itemsize
        routes = dict(
            zip(exact, exact_routes(shared.device.type, extents, row_bytes, cache_bytes, shared.route), strict=True)
        )
        self._reports = [
            _report_gridded(grid, gridded[position], shared)
            if position in gridded
            else _report_exact(grid, routes[position], shared)
            for position, grid in enumerate(grids)
        ]
        dense = {position: grids[position] for position in exact if routes[position] == "dense"}
        segments = [_dense_segment(dense, shared)] if dense else []
        segments += [
            _separable_segment(position, grids[position], shared)
            for position in exact
            if routes[position] == "separable"
        ]
        segments += [
            _structured_segment(position, grids[position], gridding, shared) for position, gridding in gridded.items()
        ]
        super().__init__(segments)

    def report(self) -> list[ComponentReport]:
        """Return how each component is evaluated, in flattening order."""
        return list(self._reports)


def _report_gridded(grid: ComponentGrid, gridding: Gridding, shared: SharedTables) -> ComponentReport:
    return ComponentReport(len(grid), "structured", shared.dtype, gridding.macs, gridding.plane.error)


def _report_exact(grid: ComponentGrid, route: str, shared: SharedTables) -> ComponentReport:
    return ComponentReport(len(grid), route, shared.feature_dtype, len(grid) * shared.encoding.width, 0.0)


def _component_rows(position: int, grid: ComponentGrid) -> ComponentRows:
    return ComponentRows(position, len(grid), grid.axes[0].extent)


def _dense_segment(grids: Mapping[int, ComponentGrid], shared: SharedTables) -> Segment:
    """Put the features of components into one matrix."""
    counts = [len(grid) for grid in grids.values()]
    matrix = torch.empty(sum(counts), shared.encoding.width, dtype=shared.feature_dtype, device=shared.device)
    for grid, rows in zip(grids.values(), matrix.split(counts), strict=True):
        shared.write_features(grid, rows)
    return Segment(DenseOperator(matrix), tuple(_component_rows(position, grid) for position, grid in grids.items()))


def _separable_segment(position: int, grid: ComponentGrid, shared: SharedTables) -> Segment:
    phases = shared.phases(grid)
    outer, inner = split_axes(phases.extents)
    steps = tuple(phases.steps[axis] for axis in inner)
    inner_features = shared.inner_features(tuple(grid.axes[axis] for axis in inner), steps)
    operator = SeparableOperator(phases, outer, inner_features, shared.dtype)
    return Segment(operator, (_component_rows(position, grid),))


def _structured_segment(position: int, grid: ComponentGrid, gridding: Gridding, shared: SharedTables) -> Segment:
    phases = shared.phases(grid)
    operator = StructuredOperator(phases, gridding.axes, gridding.plane, shared.dtype, shared.device)
    return Segment(operator, (_component_rows(position, grid),))
