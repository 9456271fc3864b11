"""Operators whose rows follow each other, and the way back to the order of a target's scalars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from uhn.hypernetworks.evaluation.dense import DenseOperator
from uhn.hypernetworks.evaluation.operator import FeatureOperator, apply_operators
from uhn.hypernetworks.evaluation.permutation import Permutation
from uhn.hypernetworks.evaluation.phases import rows_of


@dataclass(frozen=True)
class ComponentRows:
    """The rows of one component.

    Args:
        position: of the component in its model.
        count: number of rows.
        first_extent: coordinates of the component's first axis.
    """

    position: int
    count: int
    first_extent: int


@dataclass(frozen=True)
class Segment:
    """An operator, and the components whose rows it evaluates, one after the other."""

    operator: FeatureOperator
    components: tuple[ComponentRows, ...]


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
            if coordinates.keys().isdisjoint(rows.position for rows in segment.components):
                segments.append(segment)
            elif isinstance(segment.operator, DenseOperator):
                segments += _restrict_matrix(segment, coordinates)
            else:
                (component,) = segment.components
                taken = coordinates[component.position]
                operator = segment.operator.take(taken)
                segments.append(Segment(operator, (ComponentRows(component.position, operator.rows, len(taken)),)))
        return OperatorStack(segments)


def _restrict_matrix(segment: Segment, coordinates: Mapping[int, Tensor]) -> Iterator[Segment]:
    """Cut a feature matrix: rows of restricted components are copied, what lies between them is shared."""
    start = 0
    for position, run in groupby(segment.components, key=lambda c: c.position if c.position in coordinates else None):
        components = tuple(run)
        stop = start + sum(component.count for component in components)
        matrix = segment.operator.matrix[start:stop]
        start = stop
        if position is not None:
            (component,) = components
            taken = coordinates[position]
            matrix = matrix[rows_of(taken, component.count // component.first_extent)]
            components = (ComponentRows(position, len(matrix), len(taken)),)
        yield Segment(DenseOperator(matrix), components)


def _scalar_order(segments: Sequence[Segment]) -> Tensor:
    """Return the row of every scalar, component by component."""
    rows_by_position: dict[int, Tensor] = {}
    start = 0
    for segment in segments:
        rows = (start + segment.operator.tensor_order()).split([component.count for component in segment.components])
        positions = [component.position for component in segment.components]
        rows_by_position |= zip(positions, rows, strict=True)
        start += segment.operator.rows
    return torch.cat([rows_by_position[position] for position in sorted(rows_by_position)])
