"""Operators whose rows follow each other, and the way back to the order of a target's scalars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import torch
from torch import Tensor

from uhn.descriptors.index import ComponentGrid
from uhn.hypernetworks.evaluation.dense import DenseOperator
from uhn.hypernetworks.evaluation.operator import FeatureOperator, apply_operators
from uhn.hypernetworks.evaluation.permutation import Permutation
from uhn.hypernetworks.evaluation.phases import rows_of


@dataclass(frozen=True)
class Segment:
    """An operator, and the components whose rows it evaluates, one after the other, by position in their model."""

    operator: FeatureOperator
    grids: dict[int, ComponentGrid]


class OperatorStack:
    """The first layer on the rows of several operators.

    Args:
        segments: in the order of the rows.

    Shapes:
        weight (d, 2 F), bias (d,) -> (rows, d), in the order of the segments
    """

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = segments
        self.operators = [segment.operator for segment in segments]
        self.permutation = Permutation(_scalar_order(segments))

    @property
    def order(self) -> Tensor:
        """Row of each scalar. Shape (rows,)."""
        return self.permutation.order

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.permutation)

    @property
    def nbytes(self) -> int:
        """Bytes of what is kept for these rows alone."""
        return self.permutation.nbytes + sum(operator.nbytes for operator in self.operators)

    def __call__(self, weight: Tensor, bias: Tensor) -> Tensor:
        """Evaluate the layer."""
        return apply_operators(self.operators, weight, bias)

    def groups(self, rows: int) -> list[list[FeatureOperator]]:
        """Cut the operators into consecutive groups of at most about so many rows each."""
        groups: list[list[FeatureOperator]] = [[]]
        for operator in (piece for whole in self.operators for piece in whole.split(rows)):
            if groups[-1] and sum(op.rows for op in groups[-1]) + operator.rows > rows:
                groups.append([])
            groups[-1].append(operator)
        return groups

    def restricted(self, coordinates: Mapping[int, Tensor]) -> OperatorStack:
        """Keep only some coordinates of the first axis of some components; scalar i is the i-th that remains.

        Args:
            coordinates: by position of the component; sorted and unique, on the stack's device.
        """
        segments: list[Segment] = []
        for segment in self.segments:
            if coordinates.keys().isdisjoint(segment.grids):
                segments.append(segment)
            elif isinstance(segment.operator, DenseOperator):
                segments += _restrict_matrix(segment, coordinates)
            else:
                ((position, grid),) = segment.grids.items()
                taken = coordinates[position]
                segments.append(Segment(segment.operator.take(taken), {position: _shorten(grid, len(taken))}))
        return OperatorStack(segments)


def _restrict_matrix(segment: Segment, coordinates: Mapping[int, Tensor]) -> Iterator[Segment]:
    """Cut a feature matrix: rows of restricted components are copied, what lies between them is shared."""
    start = 0
    for position, run in groupby(segment.grids, key=lambda position: position if position in coordinates else None):
        grids = {member: segment.grids[member] for member in run}
        stop = start + sum(map(len, grids.values()))
        matrix = segment.operator.matrix[start:stop]
        start = stop
        if position is not None:
            grid, taken = grids[position], coordinates[position]
            matrix = matrix[rows_of(taken, len(grid) // grid.axes[0].extent)]
            grids = {position: _shorten(grid, len(taken))}
        yield Segment(DenseOperator(matrix), grids)


def _shorten(grid: ComponentGrid, first_extent: int) -> ComponentGrid:
    """Return a grid with as many rows as remain of it."""
    return replace(grid, axes=(replace(grid.axes[0], extent=first_extent), *grid.axes[1:]))


def _scalar_order(segments: Sequence[Segment]) -> Tensor:
    """Return the row of every scalar, component by component."""
    rows_by_position: dict[int, Tensor] = {}
    start = 0
    for segment in segments:
        rows = (start + segment.operator.tensor_order()).split([len(grid) for grid in segment.grids.values()])
        rows_by_position |= zip(segment.grids, rows, strict=True)
        start += segment.operator.rows
    return torch.cat([rows_by_position[position] for position in sorted(rows_by_position)])
