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
from uhn.hypernetworks.evaluation.stack import OperatorStack, Segment
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
        griddings = [shared.gridding(grid) for grid in grids]
        routes = _choose_routes(grids, griddings, shared, cache_bytes)
        self._reports = [_report(*component, shared) for component in zip(grids, routes, griddings, strict=True)]
        dense, separable, structured = (
            {position: grid for position, grid in enumerate(grids) if routes[position] == route}
            for route in ("dense", "separable", "structured")
        )
        segments = [Segment(_dense_operator(dense, shared), dense)] if dense else []
        segments += [Segment(_separable_operator(grid, shared), {i: grid}) for i, grid in separable.items()]
        segments += [
            Segment(_structured_operator(grid, griddings[i], shared), {i: grid}) for i, grid in structured.items()
        ]
        super().__init__(segments)

    def report(self) -> list[ComponentReport]:
        """Return how each component is evaluated, in flattening order."""
        return list(self._reports)


def _choose_routes(
    grids: Sequence[ComponentGrid], griddings: Sequence[Gridding | None], shared: SharedTables, cache_bytes: int
) -> list[str]:
    """Return the route of each component."""
    extents = [
        tuple(axis.extent for axis in grid.axes)
        for grid, gridding in zip(grids, griddings, strict=True)
        if gridding is None
    ]
    row_bytes = shared.encoding.width * shared.feature_dtype.itemsize
    exact = iter(exact_routes(shared.device.type, extents, row_bytes, cache_bytes, shared.route))
    return [next(exact) if gridding is None else "structured" for gridding in griddings]


def _report(grid: ComponentGrid, route: str, gridding: Gridding | None, shared: SharedTables) -> ComponentReport:
    if gridding is None:
        return ComponentReport(len(grid), route, shared.feature_dtype, len(grid) * shared.encoding.width, 0.0)
    return ComponentReport(len(grid), route, shared.dtype, gridding.macs, gridding.plane.error)


def _dense_operator(grids: Mapping[int, ComponentGrid], shared: SharedTables) -> DenseOperator:
    """Put the features of components into one matrix."""
    counts = [len(grid) for grid in grids.values()]
    matrix = torch.empty(sum(counts), shared.encoding.width, dtype=shared.feature_dtype, device=shared.device)
    for grid, rows in zip(grids.values(), matrix.split(counts), strict=True):
        shared.write_features(grid, rows)
    return DenseOperator(matrix)


def _separable_operator(grid: ComponentGrid, shared: SharedTables) -> SeparableOperator:
    phases = shared.phases(grid)
    outer, inner = split_axes(phases.extents)
    steps = tuple(phases.steps[axis] for axis in inner)
    inner_features = shared.inner_features(tuple(grid.axes[axis] for axis in inner), steps)
    return SeparableOperator(phases, outer, inner_features, shared.dtype)


def _structured_operator(grid: ComponentGrid, gridding: Gridding, shared: SharedTables) -> StructuredOperator:
    return StructuredOperator(shared.phases(grid), gridding.axes, gridding.plane, shared.dtype, shared.device)
