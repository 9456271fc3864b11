r"""One axis of the structured evaluation: e^{i a n} from few taps on a uniform frequency grid.

For n centred, :math:`e^{i a n} \approx p(n) \sum_k t_k(a)\, e^{2\pi i k n / M}` with w taps around a M / 2 pi.
p is the deconvolution of a Kaiser-Bessel window; the taps are its least-squares optimum, so their error is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class AxisGridding:
    """Taps and transform of one axis.

    Args:
        first_bin: leftmost tap's bin of every frequency.
        taps: their real weights.
        lowest_bin, bins: the populated band.
        cos, sin: the pruned transform, deconvolution folded in.
        error: root mean square error of the approximation, relative to the unit-modulus exponentials.

    Shapes:
        first_bin (F,), taps (F, w), cos and sin (n, bins), float64
    """

    first_bin: Tensor
    taps: Tensor
    lowest_bin: int
    bins: int
    cos: Tensor
    sin: Tensor
    error: float


def grid_size(extent: int, oversampling: float) -> int:
    """Return the size M of an axis's frequency grid."""
    return math.ceil(oversampling * extent)


def count_bins(frequencies: Tensor, extent: int, oversampling: float, width: int) -> int:
    """Return how many bins of the grid an axis populates, without planning it."""
    positions = frequencies * grid_size(extent, oversampling) / (2 * math.pi)
    return int(_first_bin(positions.max(), width) - _first_bin(positions.min(), width)) + width


def _first_bin(position: Tensor, width: int) -> Tensor:
    return torch.floor(position - width / 2).long() + 1


def grid_axis(frequencies: Tensor, extent: int, oversampling: float, width: int) -> AxisGridding:
    """Plan one axis.

    Args:
        frequencies: radians per step, in (-pi, pi].
        extent: number n of points.
        oversampling: grid size M over n.
        width: taps w per frequency.

    Shapes:
        frequencies (F,), float64
    """
    grid = grid_size(extent, oversampling)
    n = torch.arange(extent, dtype=torch.float64) - (extent - 1) / 2
    p = _deconvolution(n / grid, oversampling, width)
    position = frequencies * grid / (2 * math.pi)
    first = _first_bin(position, width)
    offsets = torch.arange(width)
    bins_of_taps = first.unsqueeze(1) + offsets  # (F, w)

    # Normal equations of min_t sum_n |p(n) sum_k t_k e^{2 pi i k n / M} - e^{i a n}|^2; the matrix is Toeplitz
    # in k - k' and the same for all frequencies.
    lags = (offsets.unsqueeze(1) - offsets).double()
    gram = (p.square() * torch.cos(2 * math.pi / grid * lags.unsqueeze(-1) * n)).sum(-1)
    mismatch = 2 * math.pi / grid * (bins_of_taps - position.unsqueeze(1))  # (F, w)
    target = torch.stack([(torch.cos(column.unsqueeze(1) * n) * p).sum(-1) for column in mismatch.T], dim=1)
    taps = target @ torch.linalg.pinv(gram, rtol=1e-14, hermitian=True)  # fewer points than taps: singular
    residual = (extent - 2 * (taps * target).sum(-1) + (taps @ gram * taps).sum(-1)).clamp(min=0) / extent

    lowest = int(first.min())
    bins = int(first.max()) + width - lowest
    angles = 2 * math.pi / grid * n.unsqueeze(1) * (torch.arange(bins) + lowest).double()
    return AxisGridding(
        first_bin=first - lowest,
        taps=taps,
        lowest_bin=lowest,
        bins=bins,
        cos=p.unsqueeze(1) * angles.cos(),
        sin=p.unsqueeze(1) * angles.sin(),
        error=residual.mean().sqrt().item(),
    )


def _deconvolution(x: Tensor, oversampling: float, width: int) -> Tensor:
    """Reciprocal Fourier transform of the Kaiser-Bessel window at x = n / M (Beatty et al. 2005), scaled to 1 at 0."""
    beta = math.pi * math.sqrt((width / oversampling) ** 2 * (oversampling - 0.5) ** 2 - 0.8)
    root = torch.sqrt((beta**2 - (math.pi * width * x) ** 2).to(torch.complex128))
    transform = (torch.sinh(root) / root).real
    return transform.max() / transform


def wrap(angles: Tensor) -> Tensor:
    """Reduce angles to (-pi, pi]."""
    return angles - 2 * math.pi * torch.ceil(angles / (2 * math.pi) - 0.5)
