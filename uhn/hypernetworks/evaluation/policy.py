"""How the device, the sizes and the memory budget decide the evaluation of the first layer: pure functions.

A CPU grids what it can, because memory traffic and arithmetic are expensive there and gathers are cheap. A GPU
multiplies by features, because its tensor cores make the dense product cheap and the irregular gathers of spreading are
expensive. Under autocast it stores features in bfloat16, which halves the traffic. They are computed from float64
phases, so rounding costs digits of a feature but never a phase.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import torch

# From this length on a CPU rotates the weight along the other axes.
LONG_AXIS = 1024
# Features are computed for so many rows at a time, in float64. Components of at most so many rows share their features
# with others. The separable evaluation tabulates several axes together up to this size, a single one at any length.
TABLE_ROWS = 2048
# Rotated weights that a GPU holds at once in the separable evaluation; a CPU holds one, which stays in its cache.
ROTATED_BYTES = 64 << 20
# What a CPU keeps about targets: assembling one again takes 0.3 % of a step, and several jobs may share the memory.
KEPT_BYTES = 512 << 20


def considers_gridding(device_type: str, route: str) -> bool:
    """Tell whether the structured evaluation is considered: on a CPU, or where it is forced."""
    return route == "structured" or (route == "auto" and device_type == "cpu")


def feature_dtype(device_type: str, dtype: torch.dtype, route: str, autocast: bool) -> torch.dtype:
    """Return the type in which features are stored and multiplied.

    Args:
        device_type: ``cpu`` or ``cuda``.
        dtype: of the generator.
        route: as configured; only ``auto`` may round features more than the generator's other numbers.
        autocast: whether autocast is enabled for the device.
    """
    narrow = device_type != "cpu" and route == "auto" and autocast and dtype == torch.float32
    return torch.bfloat16 if narrow else dtype


def exact_routes(
    device_type: str, extents: Sequence[tuple[int, ...]], row_bytes: int, cache_bytes: int, route: str
) -> list[str]:
    """Choose between kept features and rotated weights for each component that is not gridded.

    All components keep their features while these fit the cache together; otherwise the largest are rotated first. On a
    CPU a component with a long axis, such as the vocabulary of a narrow embedding, is always rotated: a few rotations
    save the traffic of its features, and computing them again for each member of a family. A component with a single
    axis stays dense.

    Args:
        device_type: ``cpu`` or ``cuda``.
        extents: lengths of each component's axes.
        row_bytes: bytes of one scalar's features.
        cache_bytes: largest feature matrix.
        route: ``dense`` and ``separable`` force.
    """
    rows = [math.prod(axes) for axes in extents]
    kept = sum(rows) * row_bytes
    routes = ["dense"] * len(rows)
    for i in sorted(range(len(rows)), key=lambda i: -rows[i]):
        divisible = len(extents[i]) > 1 and rows[i] > 0
        long = device_type == "cpu" and max(extents[i], default=1) >= LONG_AXIS
        if divisible and (route == "separable" or (route != "dense" and (long or kept > cache_bytes))):
            routes[i] = "separable"
            kept -= rows[i] * row_bytes
    return routes


def split_axes(extents: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Divide the axes of a grid into outer ones, which rotate the weight, and inner ones, whose features are tabulated.

    The division takes the fewest rotations that a table of several axes with at most ``TABLE_ROWS`` rows allows.

    Args:
        extents: of at least two axes.

    Returns:
        Positions of the outer and of the inner axes, each in order.
    """
    axes = range(len(extents))
    inner = [
        chosen
        for count in range(1, len(extents))
        for chosen in combinations(axes, count)
        if count == 1 or math.prod(extents[axis] for axis in chosen) <= TABLE_ROWS
    ]
    outer = [tuple(axis for axis in axes if axis not in chosen) for chosen in inner]
    return min(zip(outer, inner, strict=True), key=lambda division: math.prod(extents[axis] for axis in division[0]))


def kept_bytes(kept_mb: int | None, gpu_bytes: int | None) -> int:
    """Return how many bytes may be kept about all targets together.

    Args:
        kept_mb: as configured; None for 512 MiB on a CPU, where assembling a target takes little time beside a step on
            it, and for an eighth of a GPU's memory, where it does not.
        gpu_bytes: memory of the GPU; None on a CPU.
    """
    if kept_mb is not None:
        return kept_mb << 20
    return KEPT_BYTES if gpu_bytes is None else gpu_bytes // 8


def rotations_at_once(device_type: str, weight_bytes: int) -> int:
    """Return how many rotations of the weight the separable evaluation makes at once."""
    return max(ROTATED_BYTES // weight_bytes, 1) if device_type != "cpu" else 1
