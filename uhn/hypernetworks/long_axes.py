"""Columns so long that the Fourier features of neighbours nearly coincide, and frequencies that keep them apart."""

from __future__ import annotations

import math
import warnings

from uhn.descriptors.normalization import INDEX_COLUMN_NAMES, Ranges

# Neighbours whose features correlate more than this are said to be hard to tell apart.
SIMILAR = 0.61


def column_lengths(ranges: Ranges) -> list[float]:
    """Return by how much each index column varies. 10 numbers."""
    return [high - low for low, high in zip(ranges.index_min, ranges.index_max, strict=True)]


def scales_of_long_columns(ranges: Ranges, scale: float) -> dict[int, float]:
    r"""Return the frequency scale of the columns that need a higher one than the others.

    With :math:`\sigma = R/\sqrt 6` the features of neighbours along a column of length R have the expected inner
    product 1/e, see `neighbour_correlations`.

    Args:
        ranges: of the targets.
        scale: sigma of all other columns.

    Returns:
        By index column.
    """
    needed = {column: length / math.sqrt(6) for column, length in enumerate(column_lengths(ranges))}
    return {column: own for column, own in needed.items() if own > scale}


def neighbour_correlations(ranges: Ranges, encoding_scale: float = 100.0) -> dict[str, float]:
    r"""Return how similar the Fourier features of neighbours along each column are.

    A step of one is :math:`\sqrt{12}/R` after normalisation over a range of length R, and frequencies are drawn from
    :math:`N(0, \sigma^2)`: the features of neighbours have the expected inner product

    .. math:: \exp(-\tfrac12 \sigma^2 \cdot 12 / R^2) = \exp(-6 \sigma^2 / R^2).

    Args:
        ranges: of the targets.
        encoding_scale: sigma, in radians per standard deviation.

    Returns:
        By index column, those of length 0 left out.
    """
    lengths = dict(zip(INDEX_COLUMN_NAMES, column_lengths(ranges), strict=True))
    return {name: math.exp(-6 * (encoding_scale / length) ** 2) for name, length in lengths.items() if length}


def warn_of_long_axes(ranges: Ranges, encoding_scale: float = 100.0) -> None:
    """Warn of columns so long that the Fourier features of neighbours nearly coincide."""
    similar = {name: value for name, value in neighbour_correlations(ranges, encoding_scale).items() if value > SIMILAR}
    if similar:
        worst = ", ".join(f"{name} ({value:.4g})" for name, value in similar.items())
        warnings.warn(
            f"Fourier features of neighbouring scalars correlate strongly along {worst}: the generator can hardly "
            "tell them apart. Use encoding_scale='auto', which gives long columns higher frequencies, or the hash "
            "encoding",
            stacklevel=2,
        )
