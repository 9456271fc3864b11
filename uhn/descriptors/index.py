"""Index descriptors: which scalar of the target model is asked for (paper, Section 3.1 and Table 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import prod

import numpy as np


class IndexField(IntEnum):
    """The ten columns of an index descriptor."""

    LAYER_IDX = 0
    LAYER_TYPE = 1
    PARAM_TYPE = 2
    OUT_IDX = 3
    IN_IDX = 4
    KERNEL_H_IDX = 5
    KERNEL_W_IDX = 6
    EMBEDDING_IDX = 7
    SEQUENCE_IDX = 8
    GRID_IDX = 9


NUM_INDEX_FIELDS = len(IndexField)
INACTIVE = -1


@dataclass(frozen=True)
class Axis:
    """A field that counts 0 .. extent-1 along one dimension of a component."""

    field: IndexField
    extent: int


@dataclass(frozen=True)
class ComponentGrid:
    """The index descriptors of one component: a constant base row and the axes that count over it.

    A component of shape (out, in) is a base row and two axes, never an N x 10 table; the table is
    materialised only where somebody asks for it.

    Args:
        layer_idx: 0-based position of the layer in the whole model.
        layer_type: id of the layer's type.
        param_type: id of the component within its layer type.
        axes: counting fields in row-major order, slowest first.
    """

    layer_idx: int
    layer_type: int
    param_type: int
    axes: tuple[Axis, ...]

    def __len__(self) -> int:
        """Return the number of scalars."""
        return prod(axis.extent for axis in self.axes)

    def base_row(self) -> np.ndarray:
        """Return the row shared by all scalars, axes at coordinate 0. Shape (10,), float64."""
        row = np.full(NUM_INDEX_FIELDS, INACTIVE, dtype=np.float64)
        row[: IndexField.OUT_IDX] = self.layer_idx, self.layer_type, self.param_type
        for axis in self.axes:
            row[axis.field] = 0
        return row

    def materialise(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return descriptor rows ``start .. stop-1`` in row-major order.

        Returns:
            Array of shape (stop - start, 10), float64, holding raw 0-based integers and -1 where inactive.
        """
        stop = len(self) if stop is None else stop
        rows = np.tile(self.base_row(), (stop - start, 1))
        if self.axes:
            extents = [axis.extent for axis in self.axes]
            coordinates = np.unravel_index(np.arange(start, stop), extents)
            for axis, values in zip(self.axes, coordinates, strict=True):
                rows[:, axis.field] = values
        return rows


def materialise_index_table(grids: Sequence[ComponentGrid]) -> np.ndarray:
    """Concatenate the rows of all components in flattening order. Shape (N, 10), float64."""
    return np.concatenate([grid.materialise() for grid in grids])
