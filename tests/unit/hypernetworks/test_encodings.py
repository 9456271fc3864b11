"""Fourier encodings: a scale of its own for the layer index, and phases in the release's half precision.

Half precision is checked by which rows coincide, and against torch's own fp16 autocast.
"""

import math

import pytest
import torch

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.descriptors.index import Axis, ComponentGrid, IndexField
from uhn.descriptors.normalization import Normalizer
from uhn.descriptors.vocabulary import LayerType
from uhn.errors import UserError
from uhn.hypernetworks.encodings import exact_features, make_index_encoding
from uhn.hypernetworks.uhn import UHN
from uhn.models.model_sets import FAMILIES
from uhn.models.registry import build_model

DEPTH_RANGES = FAMILIES["cnn_mixed_depth"].ranges
STEP = math.sqrt(12) / 31  # 32 layers, normalised to unit variance


def encode(model, precision, rows, frequencies=32):
    ranges = build_model(model).ranges()
    torch.manual_seed(0)
    encoding = make_index_encoding(UHNConfig(index_frequencies=frequencies, phase_precision=precision), ranges)
    return exact_features(Normalizer(ranges.index_min, ranges.index_max), encoding, rows, torch.float32)


def equal_neighbours(features):
    return int((features[1:] == features[:-1]).all(dim=1).sum())


def vocabulary_rows():
    """The first column of the token table: one row a word."""
    table = ComponentGrid(
        0, LayerType.EMBEDDING, 0, (Axis(IndexField.EMBEDDING_IDX, 5000), Axis(IndexField.OUT_IDX, 1))
    )
    return torch.as_tensor(table.materialise())


def input_rows(width):
    """The weights of the first output of a graph convolution: one row an input."""
    table = ComponentGrid(0, LayerType.GCN, 0, (Axis(IndexField.OUT_IDX, 1), Axis(IndexField.IN_IDX, width)))
    return torch.as_tensor(table.materialise())


def test_612_of_5000_neighbouring_words_coincide():
    rows = vocabulary_rows()
    half = encode("agnews_transformer2l", "float16", rows)
    assert equal_neighbours(half) == 612
    assert len(torch.unique(half, dim=0)) == 5000 - 612
    assert torch.equal(half[2], half[3])  # the class token and the most frequent word
    exact = encode("agnews_transformer2l", "float64", rows)
    assert equal_neighbours(exact) == 0 and len(torch.unique(exact, dim=0)) == 5000


@pytest.mark.parametrize(("model", "inputs", "distinct"), [("citeseer_gcn", 3703, 3637), ("cora_gcn", 1433, 1433)])
def test_input_columns(model, inputs, distinct):
    rows = input_rows(inputs)
    assert len(torch.unique(encode(model, "float16", rows), dim=0)) == distinct
    assert len(torch.unique(encode(model, "float64", rows), dim=0)) == inputs


def test_equals_autocast():
    """The same features as the release's three operations, up to the order of a phase's ten terms."""
    ranges = build_model("agnews_transformer2l").ranges()
    rows = torch.as_tensor(build_model("agnews_transformer2l").index_table()[::997])
    found = encode("agnews_transformer2l", "float16", rows, frequencies=256)
    torch.manual_seed(0)
    matrix = torch.randn(10, 256) * 100.0
    z = Normalizer(ranges.index_min, ranges.index_max)(rows).float()
    with torch.autocast("cpu", dtype=torch.float16):
        phases = z @ matrix
    assert phases.dtype is torch.float16
    expected = torch.cat([phases.cos(), phases.sin()], dim=-1).float()
    assert (found != expected).float().mean() < 1e-3
    exact = encode("agnews_transformer2l", "float64", rows, frequencies=256)
    error = (found - exact).norm() / exact.norm()
    assert 0.05 < error < 0.2  # the phases are off by about 0.1 rad


def test_features_are_never_planned():
    target = build_model("kan_kv")
    sizes = UHNConfig(index_frequencies=16, hidden_dim=8, structure_encoder=True, phase_precision="float16")
    generator = UHN(sizes, target.ranges(), GenerationConfig(first_layer="dense"))
    assert generator.plan_of(target) is None
    with torch.no_grad():
        weights, expected = generator(target), generator.reference(target)
    assert all(torch.equal(w, expected[name]) for name, w in weights.items())


def test_structure_tokens_are_rounded_too():
    target = build_model("kan_kv")
    tokens = torch.as_tensor(target.structure_tokens())
    features = {}
    for precision in ("float16", "float64"):
        torch.manual_seed(0)
        sizes = UHNConfig(index_frequencies=4, hidden_dim=8, structure_encoder=True, phase_precision=precision)
        generator = UHN(sizes, target.ranges())
        features[precision] = exact_features(
            generator.structure_normalizer, generator.structure_encoding, tokens, torch.float64
        )
    assert torch.equal(features["float16"], features["float16"].half().double())
    assert 0 < (features["float16"] - features["float64"]).abs().max() < 2


@pytest.mark.parametrize(
    "choices",
    [
        {"encoding": "raw", "phase_precision": "float16"},
        {"encoding": "hash", "layer_scale": 5.0},
        {"phase_precision": "bfloat16"},
        {"encoding": "fourier"},
        {"encoding": "hash", "hash_table_size": 1000},
    ],
)
def test_choices_that_do_not_exist(choices):
    with pytest.raises(UserError, match="expected"):
        UHNConfig(**choices)


def layer_codes(layer_scale, frequencies=50_000):
    """Features of the layers 0 to 31, all other fields equal."""
    torch.manual_seed(0)
    encoding = make_index_encoding(UHNConfig(index_frequencies=frequencies, layer_scale=layer_scale), DEPTH_RANGES)
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


def test_a_layer_scale_changes_nothing_else():
    def drawn(**choices):
        torch.manual_seed(0)
        return UHN(UHNConfig(index_frequencies=16, structure_encoder=True, **choices), DEPTH_RANGES).state_dict()

    plain, smooth = drawn(), drawn(layer_scale=5.0)
    row = "index_encoding.frequencies"
    torch.testing.assert_close(smooth[row][0], plain[row][0] / 20)
    smooth[row][0] = plain[row][0]
    assert plain.keys() == smooth.keys() and all(torch.equal(plain[name], smooth[name]) for name in plain)


@pytest.mark.parametrize("route", ["auto", "dense", "separable", "structured"])
def test_every_route_serves_a_layer_scale(route):
    target = build_model("cifar10_cnn20")
    sizes = UHNConfig(index_frequencies=8, hidden_dim=4, blocks=0, layer_scale=5.0)
    generator = UHN(sizes, target.ranges(), GenerationConfig(first_layer=route)).double()
    assert generator.plan_of(target) is not None
    with torch.no_grad():
        weights, expected = generator(target), generator.reference(target)
    for name, w in weights.items():
        torch.testing.assert_close(w, expected[name], rtol=0, atol=1e-4)
