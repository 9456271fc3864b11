"""A scale of its own for the layer index: what it changes, and what it leaves alone."""

import math

import pytest
import torch

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.descriptors.index import IndexField
from uhn.hypernetworks.encodings import make_index_encoding
from uhn.hypernetworks.uhn import UHN
from uhn.models.model_sets import FAMILIES
from uhn.models.registry import build_model

RANGES = FAMILIES["cnn_mixed_depth"].ranges
STEP = math.sqrt(12) / 31  # 32 layers, normalised to unit variance


def layer_codes(layer_scale, frequencies=50_000):
    """Features of the layers 0 to 31, all other fields equal."""
    torch.manual_seed(0)
    encoding = make_index_encoding(UHNConfig(index_frequencies=frequencies, layer_scale=layer_scale), RANGES)
    z = torch.zeros(32, 10, dtype=torch.float64)
    z[:, IndexField.LAYER_IDX] = torch.arange(32) * STEP
    return encoding(z)


@pytest.mark.parametrize(("layer_scale", "sigma"), [(None, 100.0), (5.0, 5.0), (10.0, 10.0)])
@pytest.mark.parametrize("apart", [1, 3])
def test_correlation_of_layer_codes(layer_scale, sigma, apart):
    codes = layer_codes(layer_scale)
    products = (codes[apart:] * codes[:-apart]).sum(dim=1) / codes.square().sum(dim=1)[apart:]
    expected = math.exp(-((sigma * apart * STEP) ** 2) / 2)
    # one estimate of F frequencies scatters by 1 / sqrt(2 F)
    torch.testing.assert_close(products, torch.full_like(products, expected), rtol=0, atol=4 / math.sqrt(100_000))


def test_nothing_else_changes():
    def drawn(**choices):
        torch.manual_seed(0)
        return UHN(UHNConfig(index_frequencies=16, structure_encoder=True, **choices), RANGES).state_dict()

    plain, smooth = drawn(), drawn(layer_scale=5.0)
    row = "index_encoding.frequencies"
    torch.testing.assert_close(smooth[row][0], plain[row][0] / 20)
    smooth[row][0] = plain[row][0]
    assert plain.keys() == smooth.keys() and all(torch.equal(plain[name], smooth[name]) for name in plain)


@pytest.mark.parametrize("route", ["auto", "dense", "separable", "structured"])
def test_every_route_serves_it(route):
    target = build_model("cifar10_cnn20")
    sizes = UHNConfig(index_frequencies=8, hidden_dim=4, blocks=0, layer_scale=5.0)
    scalars = []
    for first_layer in ("reference", route):
        torch.manual_seed(0)
        generator = UHN(sizes, target.ranges(), GenerationConfig(first_layer=first_layer)).double()
        with torch.no_grad():
            scalars.append(generator.generate_scalars(target))
    assert generator.plan_of(target) is not None
    torch.testing.assert_close(scalars[1], scalars[0], rtol=0, atol=1e-4)
