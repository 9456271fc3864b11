"""Multiresolution hash encoding (Mueller et al. 2022, "Instant Neural Graphics Primitives") of index descriptors."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uhn.descriptors.normalization import EPSILON

# Cells per field of the coarsest lattice.
COARSEST = 2
# Odd 32-bit constants of spatial and byte hashes in common use. Products with descriptors fit into 63 bits.
PRIMES = (
    2654435761, 805459861, 3674653429, 2097192037, 1434869437, 2165219737, 2246822519, 3266489917, 668265263, 374761393
)  # fmt: skip


@dataclass(frozen=True)
class Lattice:
    """One level: how a row's steps become keys into the level's table.

    Args:
        resolutions: cells of each field; its steps lie on vertices where that is the field's extent.
        multipliers: factor of each field's coordinate in a key.
        hashed: whether keys are hashed rather than unique.
        entries: size of the table.
    """

    resolutions: tuple[int, ...]
    multipliers: tuple[int, ...]
    hashed: bool
    entries: int

    def combine(self, keys: Tensor, field: int, coordinate: Tensor) -> Tensor:
        """Add a field's coordinate to keys."""
        term = coordinate * self.multipliers[field]
        return keys ^ term if self.hashed else keys + term


def make_lattice(extents: Sequence[int], resolutions: Sequence[int], level: int, table_size: int) -> Lattice:
    """Number the vertices of a level consecutively where the table holds them all, else hash them.

    Levels multiply the fields by different primes, so that vertices which share an entry in one level do not in others.
    """
    vertices = [resolution + 1 for resolution in resolutions]
    if math.prod(vertices) <= table_size:
        strides = [math.prod(vertices[:field]) for field in range(len(extents))]
        return Lattice(tuple(resolutions), tuple(strides), False, math.prod(vertices))
    primes = [PRIMES[(field + level) % len(PRIMES)] for field in range(len(extents))]
    return Lattice(tuple(resolutions), tuple(primes), True, table_size)


class HashEncoding(nn.Module):
    """Trainable tables read at several resolutions and interpolated linearly.

    A level divides the range of a field into cells, never more than the field has steps, and keeps an entry of some
    numbers at every vertex of the lattice. Coordinates of a scalar within its tensor are interpolated between vertices;
    fields that name a tensor (layer, layer type, parameter type) are not: each tensor has a lattice of its own, up to
    hash collisions. Cells per field grow geometrically from 2 to the longest field's steps.

    Entries start with the mean square of a cosine, not at Mueller et al.'s 1e-4, from which they would hardly move at
    the learning rates of generators.

    Args:
        extents: steps of each field's range, its largest minus its lowest value; rows are integers.
        interpolated: fields to interpolate.
        levels: number of levels.
        table_size: largest number of entries of a level, a power of two.
        features: numbers of an entry.

    Shapes:
        (rows, m), normalised -> (rows, levels * features)
    """

    def __init__(
        self, extents: Sequence[int], interpolated: Collection[int], levels: int, table_size: int, features: int
    ) -> None:
        super().__init__()
        self.width = levels * features
        self.extents = tuple(extents)
        self.lattices = []
        longest = max([COARSEST, *(extents[field] for field in interpolated)])
        for level, cells in enumerate(np.geomspace(COARSEST, longest, levels).round()):
            resolutions = [
                min(int(cells), extent) if field in interpolated else extent for field, extent in enumerate(extents)
            ]
            self.lattices.append(make_lattice(extents, resolutions, level, table_size))
        self.tables = nn.ParameterList(
            nn.Parameter(torch.randn(lattice.entries, features) * 0.5**0.5) for lattice in self.lattices
        )

    def forward(self, z: Tensor) -> Tensor:
        steps = self.steps(z)
        # A field at its lowest value in all rows adds nothing to any key: where inactive it needs no corners.
        fields = [field for field, used in enumerate(steps.any(dim=0).tolist()) if used]
        pieces = []
        for lattice, table in zip(self.lattices, self.tables, strict=True):
            keys, weights = self.corners(lattice, steps, fields)
            pieces.append(F.embedding_bag(keys, table, mode="sum", per_sample_weights=weights.to(table.dtype)))
        return torch.cat(pieces, dim=-1)

    def steps(self, z: Tensor) -> Tensor:
        """Undo the normalisation: steps above the lowest value of each field. Shapes: (rows, m) -> (rows, m), int64."""
        extents = torch.tensor(self.extents, dtype=torch.float64, device=z.device)
        return (z * torch.sqrt(extents**2 / 12 + EPSILON) + extents / 2).round().long()

    def corners(self, lattice: Lattice, steps: Tensor, fields: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Return the table entries around each row and their weights.

        Shapes:
            steps (rows, m) -> keys and weights (rows, corners), int64 and float64
        """
        keys = steps.new_zeros(len(steps), 1)
        weights = torch.ones_like(keys, dtype=torch.float64)
        for field in fields:
            extent, cells = self.extents[field], lattice.resolutions[field]
            step = steps[:, field : field + 1]
            if cells == extent:
                keys = lattice.combine(keys, field, step)
                continue
            scaled = step * cells
            lower = (scaled // extent).clamp(max=cells - 1)
            fraction = (scaled - lower * extent).double() / extent
            keys = torch.cat([lattice.combine(keys, field, corner) for corner in (lower, lower + 1)], dim=1)
            weights = torch.cat([weights * (1 - fraction), weights * fraction], dim=1)
        return (keys & (lattice.entries - 1) if lattice.hashed else keys), weights
