"""Kernel statistics in closed form, and against NumPy's correlation matrix."""

import math

import numpy as np
import pytest

from uhn.reporting.kernels import kernel_statistics

EDGE = np.array([[1.0, 0.0, -1.0]] * 3)
BLOB = np.array([[0.0, 1.0, 0.0], [1.0, 2.0, 1.0], [0.0, 1.0, 0.0]])


def statistics(*kernels):
    return kernel_statistics(np.array(kernels)[:, None])


def test_equal_kernels():
    found = statistics(BLOB, BLOB, BLOB)
    assert (found.kernels, found.variance) == (3, 0)
    assert found.correlation == pytest.approx(1)


def test_opposite_kernels():
    """Means of the two are 0; six of nine positions are 1 or -1."""
    found = statistics(EDGE, -EDGE)
    assert found.variance == pytest.approx(6 / 9)
    assert found.correlation == pytest.approx(-1)


def test_offset_and_contrast_are_no_pattern():
    assert statistics(BLOB, 3 * BLOB + 7, 0.1 * BLOB - 2).correlation == pytest.approx(1)


def test_orthogonal_and_opposite_kernels():
    """EDGE is uncorrelated with its transpose: of three pairs two give 0 and one -1."""
    assert statistics(EDGE, EDGE.T, -EDGE).correlation == pytest.approx(-1 / 3)


def test_constant_kernels_have_no_correlation():
    constant = np.full((3, 3), 0.1)
    assert statistics(EDGE, constant, -EDGE).correlation == pytest.approx(-1)
    assert math.isnan(statistics(EDGE, constant).correlation)
    assert statistics(constant, 3 * constant).variance == pytest.approx(0.01)


def test_all_pairs_of_a_layer():
    weight = np.random.default_rng(0).normal(size=(6, 5, 3, 3)).astype(np.float32)
    found = kernel_statistics(weight)
    flat = weight.reshape(30, 9).astype(np.float64)
    pairs = np.corrcoef(flat)[np.triu_indices(30, k=1)]
    assert found.kernels == 30
    assert found.correlation == pytest.approx(pairs.mean(), rel=1e-9)
    assert found.variance == pytest.approx(((flat - flat.mean(axis=0)) ** 2).mean(), rel=1e-9)
