"""Axes too long for their encoding, and frequency scales that grow with them."""

import math
import warnings

import pytest
import torch
from torch import nn

import uhn
from uhn.configuration.generators import UHNConfig
from uhn.descriptors.normalization import INDEX_COLUMN_NAMES, Normalizer
from uhn.errors import UserError
from uhn.hypernetworks.encodings import GaussianFourier, make_index_encoding
from uhn.hypernetworks.long_axes import neighbour_correlations, warn_of_long_axes


def test_correlation_of_neighbours_is_that_of_drawn_features():
    """exp(-60000 / R^2) at sigma 100; here against 40,000 drawn frequencies."""
    torch.manual_seed(0)
    ranges = uhn.adapt(nn.Linear(3, 512)).ranges()
    correlation = neighbour_correlations(ranges)["out_idx"]
    assert correlation == pytest.approx(math.exp(-60000 / 511**2))
    normalizer = Normalizer(ranges.index_min, ranges.index_max)
    rows = torch.zeros(2, 10, dtype=torch.float64)
    rows[:, 3] = torch.tensor([7, 8])
    features = GaussianFourier(10, 40000, 100.0)(normalizer(rows)) / math.sqrt(40000)
    assert (features[0] @ features[1]).item() == pytest.approx(correlation, abs=0.01)


def test_long_axes_are_warned_of():
    with pytest.warns(UserWarning, match=r"embedding_idx \(0.9976\).*encoding_scale='auto'.*hash encoding"):
        warn_of_long_axes(uhn.adapt(nn.Embedding(5000, 64)).ranges())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_long_axes(uhn.adapt(nn.Linear(300, 300)).ranges())
        warn_of_long_axes(uhn.adapt(nn.Embedding(5000, 64)).ranges(), encoding_scale=5000)
    assert set(neighbour_correlations(uhn.adapt(nn.Linear(3, 3)).ranges())) <= set(INDEX_COLUMN_NAMES)


def test_automatic_scales_keep_neighbours_of_long_columns_apart():
    """Inner products of drawn features: 1/e along the long column, exp(-60000 / R^2) along a short one."""
    torch.manual_seed(0)
    ranges = uhn.adapt(nn.Embedding(5000, 301)).ranges()
    encoding = make_index_encoding(UHNConfig(index_frequencies=40000, encoding_scale="auto"), ranges)
    rows = torch.zeros(3, 10, dtype=torch.float64)
    rows[1, INDEX_COLUMN_NAMES.index("embedding_idx")] = 1
    rows[2, INDEX_COLUMN_NAMES.index("layer_type")] = 0
    features = encoding(Normalizer(ranges.index_min, ranges.index_max)(rows)) / math.sqrt(40000)
    assert (features[0] @ features[1]).item() == pytest.approx(math.exp(-1), abs=0.02)
    assert encoding.frequencies[INDEX_COLUMN_NAMES.index("out_idx")].std().item() == pytest.approx(
        300 / math.sqrt(6), rel=0.02
    )
    assert encoding.frequencies[0].std().item() == pytest.approx(100, rel=0.02)


@pytest.mark.parametrize("scale", [0, -1.0, "wide", None])
def test_other_scales_are_refused(scale):
    with pytest.raises(UserError, match="encoding_scale: expected a positive number or 'auto'"):
        UHNConfig(encoding_scale=scale)


def test_automatic_scales_are_of_the_fourier_encoding():
    with pytest.raises(UserError, match="encoding_scale 'auto': is of encoding gaussian_fourier"):
        UHNConfig(encoding="positional", encoding_scale="auto")
