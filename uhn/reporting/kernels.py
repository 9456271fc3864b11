"""How different the kernels of a convolution are: numbers for what Figure 4 shows to the eye."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# A kernel whose spread is below this share of its size is constant but for rounding.
CONSTANT = 1e-6


@dataclass(frozen=True)
class KernelStatistics:
    """Diversity of the kernels of one layer.

    Args:
        kernels: number of kernels, one for each pair of output and input channel.
        variance: population variance between kernels, averaged over their positions; 0 where all are equal.
        correlation: mean Pearson correlation over all pairs of kernels: 1 where all have one pattern, about 0 where
            they are independent. Constant kernels have no pattern and are left out; NaN for fewer than two others.
    """

    kernels: int
    variance: float
    correlation: float


def kernel_statistics(weight: np.ndarray) -> KernelStatistics:
    """Compare the kernels of a convolution weight.

    Shapes:
        weight (out, in, height, width)
    """
    kernels = np.asarray(weight, dtype=np.float64).reshape(weight.shape[0] * weight.shape[1], -1)
    return KernelStatistics(len(kernels), float(kernels.var(axis=0).mean()), _mean_pairwise_correlation(kernels))


def _mean_pairwise_correlation(kernels: np.ndarray) -> float:
    """Sum all pairs at once: the squared norm of the sum of unit vectors has each pair twice and each vector once."""
    patterns = kernels - kernels.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(patterns, axis=1)
    varying = norms > CONSTANT * np.linalg.norm(kernels, axis=1)
    units = patterns[varying] / norms[varying, None]
    count = len(units)
    if count < 2:
        return float("nan")
    return float((np.square(units.sum(axis=0)).sum() - count) / (count * (count - 1)))
