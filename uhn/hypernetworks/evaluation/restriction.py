"""Generating some rows of a tensor only: of an embedding table, those that a batch reads."""

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
    """Which scalars of a target are generated.

    Args:
        coordinates: kept coordinates of the first axis, by position of the component.
        scalars: places of the kept scalars in flattening order.
    """

    coordinates: dict[int, Tensor]
    scalars: Tensor


def restrict(target: TargetModel, rows: Mapping[str, Tensor], device: torch.device) -> Restriction:
    """Translate rows of named tensors.

    Args:
        target: the model.
        rows: sorted unique indices along the first axis of some of its tensors; of all others everything is kept.
        device: of the generator. Indices on the CPU are checked for their values; a GPU would have to be waited for.

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
            kept = rows[placed.name]
            _check(placed.name, kept, extent, placed.grid.axes[0].extent)
            coordinates[position] = kept = upload(kept, device)
            scalars.append(start + rows_of(kept, total // extent))
        start += total
    return Restriction(coordinates, torch.cat(scalars))


def _check(name: str, kept: Tensor, extent: int, axis_extent: int) -> None:
    if extent != axis_extent:
        raise ValueError(f"rows of '{name}': its first axis is not one of its grid's; expected a tensor that has it")
    if kept.ndim != 1 or kept.dtype != torch.int64:
        raise ValueError(f"rows of '{name}': expected int64 of shape (kept,), got {kept.dtype} {tuple(kept.shape)}")
    if kept.device.type == "cpu" and len(kept):
        sorted_unique = bool((kept[1:] > kept[:-1]).all())
        if not sorted_unique or kept[0] < 0 or kept[-1] >= extent:
            raise ValueError(f"rows of '{name}': expected sorted unique indices from 0 to {extent - 1}")
