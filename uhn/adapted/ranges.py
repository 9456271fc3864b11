"""Descriptor ranges of any targets, and room for larger ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from uhn.descriptors.index import ComponentGrid, IndexField
from uhn.descriptors.normalization import INDEX_COLUMN_NAMES, STRUCTURE_COLUMN_NAMES, Ranges
from uhn.descriptors.vocabulary import (
    ActivationType,
    HeadConcat,
    InitializationType,
    InputPooling,
    StagePooling,
)
from uhn.errors import UserError

# Largest values of the structure columns that hold categories: a range is all of them, whatever a target has.
CATEGORIES = {
    "bias_type": 1,
    "norm_type": 1,
    "shortcut_type": 1,
    "activation_type": max(ActivationType),
    "input_pooling_reshape_type": max(InputPooling),
    "stage_wise_pooling_type": max(StagePooling),
    "head_concat_type": max(HeadConcat),
    "initialization_type": max(InitializationType),
}


def ranges_of(grids: Sequence[ComponentGrid], tokens: np.ndarray) -> Ranges:
    """Return the ranges of one target: what its rows span, and all values of categories.

    Args:
        grids: its components.
        tokens: its structure rows.

    Shapes:
        tokens (L, 29)
    """
    grids = [grid for grid in grids if len(grid)]
    corners = np.concatenate([grid.materialise(i, i + 1) for grid in grids for i in (0, len(grid) - 1)])
    index_min, index_max = corners.min(axis=0), corners.max(axis=0)
    for column in (IndexField.LAYER_IDX, IndexField.PARAM_TYPE):
        index_min[column] = 0
    structure_min, structure_max = tokens.min(axis=0), tokens.max(axis=0)
    for name, largest in CATEGORIES.items():
        column = STRUCTURE_COLUMN_NAMES.index(name)
        structure_min[column], structure_max[column] = 0, max(structure_max[column], largest)
    return Ranges(*(tuple(bounds.tolist()) for bounds in (index_min, index_max, structure_min, structure_max)))


def with_headroom(ranges: Ranges, **highest: float) -> Ranges:
    """Return ranges whose upper ends are at least the given ones, for targets that are larger than the declared.

    Args:
        ranges: of the declared targets.
        highest: by column name, for instance ``layer_idx=11, out_idx=255, in_idx=255, output_size=256``.

    Raises:
        UserError: no such column.
    """
    ends = {"index_max": (INDEX_COLUMN_NAMES, []), "structure_max": (STRUCTURE_COLUMN_NAMES, [])}
    if unknown := highest.keys() - {*INDEX_COLUMN_NAMES, *STRUCTURE_COLUMN_NAMES}:
        known = ", ".join([*INDEX_COLUMN_NAMES, *STRUCTURE_COLUMN_NAMES])
        raise UserError(f"headroom: there is no descriptor column '{min(unknown)}'; expected one of {known}")
    for end, (names, values) in ends.items():
        values += [max(now, highest.get(name, now)) for name, now in zip(names, getattr(ranges, end), strict=True)]
    return replace(ranges, **{end: tuple(values) for end, (_, values) in ends.items()})
