"""The griddings that a component could have: what they cost and how accurate they are, before any is made."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import torch

from uhn.hypernetworks.evaluation.gridding import count_bins, grid_axis, wrap
from uhn.hypernetworks.evaluation.phases import GridPhases
from uhn.hypernetworks.evaluation.structured import transform_macs

# (oversampling, taps): predicted errors of 1e-5 to 4e-8. Wide grids make longer products, many taps more spreading.
# Narrower grids with more taps, such as (1.25, 9), would be cheaper, but their deconvolution amplifies the rounding
# of float32 to 1e-5.
ACCURACIES = ((1.25, 8), (1.375, 8), (1.5, 7), (1.5, 8), (1.75, 6), (1.75, 7), (2.0, 6), (2.0, 8), (3.0, 5))
# Frequencies that the error of a gridding is estimated from.
SCREENED = 64
# Below this many points along an axis spreading costs more than it saves.
MIN_PLANE_EXTENT = 16
# A multiply-add of the spreading costs this many of a matrix product.
SPREAD_WEIGHT = 1.6
# Share of the dense arithmetic above which the structured evaluation is not worth it.
WORTHWHILE = 0.7


class PricedGridding(NamedTuple):
    """One way to grid a component, and its price.

    Args:
        macs: multiply-adds per hidden unit; griddings sort by them.
        axes: positions of the two gridded axes.
        accuracy: oversampling and taps.
    """

    macs: float
    axes: tuple[int, int]
    accuracy: tuple[float, int]


def affordable_griddings(phases: GridPhases, tolerance: float, *, forced: bool) -> Iterator[PricedGridding]:
    """Yield the griddings that seem accurate enough and pay, cheapest first.

    Args:
        phases: the component's grid.
        tolerance: largest estimated error, relative.
        forced: whether to grid whatever it costs.
    """
    longest = sorted(range(len(phases.extents)), key=lambda axis: -phases.extents[axis])[:2]
    shortest_extent = 2 if forced else MIN_PLANE_EXTENT
    if len(longest) < 2 or phases.extents[longest[1]] < shortest_extent:
        return
    dense_macs = phases.rows * 2 * len(phases.base)
    for priced in _by_cost(phases, (longest[0], longest[1])):
        if not forced and priced.macs >= WORTHWHILE * dense_macs:
            return
        if _estimated_error(phases, priced) <= tolerance:
            yield priced


def _by_cost(phases: GridPhases, axes: tuple[int, int]) -> list[PricedGridding]:
    """Return both orders of two axes in all accuracies, cheapest first."""
    slices = phases.rows // math.prod(phases.extents[axis] for axis in axes)
    found = []
    for (a, b), accuracy in product((axes, axes[::-1]), ACCURACIES):
        extents = phases.extents[a], phases.extents[b]
        first, second = wrap(phases.steps[a]), wrap(phases.steps[b])
        bins = (
            count_bins(first * torch.where(second < 0, -1.0, 1.0), extents[0], *accuracy),
            count_bins(second.abs(), extents[1], *accuracy),
        )
        spread_macs = 2 * len(first) * accuracy[1] ** 2
        found.append(
            PricedGridding(slices * (transform_macs(extents, bins) + SPREAD_WEIGHT * spread_macs), (a, b), accuracy)
        )
    return sorted(found)


def _estimated_error(phases: GridPhases, priced: PricedGridding) -> float:
    """Estimate the error of a gridding from some of its frequencies."""
    return math.hypot(
        *(
            grid_axis(wrap(phases.steps[axis][:SCREENED]), phases.extents[axis], *priced.accuracy).error
            for axis in priced.axes
        )
    )
