"""How far an architecture is from those a generator was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Architecture(Protocol):
    """A configuration that states what the members of its family differ in: groups of sizes, deepest parts last."""

    architecture: tuple[tuple[int, ...], ...]


def architecture_vectors(family: Sequence[Architecture]) -> np.ndarray:
    """Return the sizes of all members, each scaled by its largest difference within the family.

    Groups are padded with 0 to the longest of the family, so a Transformer block that is absent counts as one of no
    layers. A size that is the same in all members is 0.

    Returns:
        Array of shape (members, sizes); one unit is the whole span of a size.
    """
    groups = zip(*(config.architecture for config in family), strict=True)
    sizes = np.concatenate([_padded(group) for group in groups], axis=1)
    spans = np.ptp(sizes, axis=0)
    return (sizes - sizes.min(axis=0)) / np.where(spans > 0, spans, 1)


def nearest_distances(family: Sequence[Architecture], members: Sequence[int], trained: Sequence[int]) -> np.ndarray:
    """Return the Euclidean distance of some members of a family to the nearest trained member.

    Args:
        family: configurations of all members.
        members: ids of the members asked for.
        trained: ids of the members trained on.

    Shapes:
        -> (len(members),), float64; 0 for a trained member
    """
    vectors = architecture_vectors(family)
    differences = vectors[list(members), None] - vectors[None, list(trained)]
    return np.sqrt((differences**2).sum(axis=-1)).min(axis=1)


def _padded(group: Sequence[tuple[int, ...]]) -> np.ndarray:
    longest = max(map(len, group))
    return np.array([sizes + (0,) * (longest - len(sizes)) for sizes in group], dtype=np.float64)
