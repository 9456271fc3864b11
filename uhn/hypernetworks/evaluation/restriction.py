"""Generating only some rows of a tensor, such as the rows of an embedding table that a batch reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from uhn.device import upload
from uhn.hypernetworks.evaluation.phases import rows_of
from uhn.models.base import TargetModel


@dataclass(frozen=True)
class Restriction:
    """The scalars of a target that are generated.

    Args:
        coordinates: of the first axis, by position of the component; other components are generated in full.
        scalars: indices of the scalars in flattening order.
    """

    coordinates: dict[int, Tensor]
    scalars: Tensor


def restrict(target: TargetModel, rows: Mapping[str, Tensor], device: torch.device) -> Restriction:
    """Translate rows of named tensors into scalars.

    Checks index values on the CPU only; on a GPU the check would force a synchronisation.

    Args:
        target: the model.
        rows: sorted unique indices along the first axis of some of its tensors; other tensors are generated in full.
        device: of the generator.

    Shapes:
        rows one (kept,) int64 per name

    Raises:
        ValueError: an unknown name, or indices that are not as described.
    """
    if unknown := rows.keys() - {placed.name for placed in target.placed_components}:
        raise ValueError(f"rows of '{min(unknown)}': {target.name} has no such tensor")
    coordinates: dict[int, Tensor] = {}
    scalars: list[Tensor] = []
    start = 0
    for position, placed in enumerate(target.placed_components):
        total = len(placed.grid)
        if placed.name not in rows:
            scalars.append(torch.arange(start, start + total, device=device))
        else:
            extent = placed.component.shape[0]
            _check(placed.name, rows[placed.name], extent, placed.grid.axes[0].extent)
            coordinates[position] = upload(rows[placed.name], device)
            scalars.append(start + rows_of(coordinates[position], total // extent))
        start += total
    return Restriction(coordinates, torch.cat(scalars))


def _check(name: str, indices: Tensor, extent: int, axis_extent: int) -> None:
    if extent != axis_extent:
        raise ValueError(f"rows of '{name}': its first axis is not one of its grid's; expected a tensor that has it")
    if indices.ndim != 1 or indices.dtype != torch.int64:
        raise ValueError(
            f"rows of '{name}': expected int64 of shape (kept,), got {indices.dtype} {tuple(indices.shape)}"
        )
    if indices.device.type == "cpu" and len(indices):
        sorted_unique = bool((indices[1:] > indices[:-1]).all())
        if not sorted_unique or indices[0] < 0 or indices[-1] >= extent:
            raise ValueError(f"rows of '{name}': expected sorted unique indices from 0 to {extent - 1}")
