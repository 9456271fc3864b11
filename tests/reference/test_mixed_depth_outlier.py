"""Why one unseen model of CNN Mixed Depth fails (docs/mixed_depth_outlier.md)."""

import csv
import math

import pytest
import torch

from uhn.configuration.generators import UHNConfig
from uhn.descriptors.index import IndexField
from uhn.descriptors.normalization import Normalizer
from uhn.descriptors.vocabulary import LayerType
from uhn.hypernetworks.encodings import exact_features, make_index_encoding
from uhn.models.model_sets import FAMILIES
from uhn.paths import config_dir

FAMILY = FAMILIES["cnn_mixed_depth"]
OUTLIER = 94


def layer_kinds(member):
    return {(placed.grid.layer_idx, placed.grid.layer_type) for placed in FAMILY.build(member).placed_components}


def test_only_model_94_has_layers_that_no_trained_model_has():
    trained = set().union(*map(layer_kinds, FAMILY.splits.train))
    new = {member: layer_kinds(member) - trained for member in FAMILY.splits.test}
    assert {member: kinds for member, kinds in new.items() if kinds} == {
        OUTLIER: {(30, LayerType.CONV2D), (31, LayerType.LINEAR)}
    }
    assert FAMILY.configs[OUTLIER].stage_layers == (1, 10, 10, 10)


def test_only_model_94_has_32_layers():
    layers = [config.num_layers for config in FAMILY.configs]
    assert {layers[member] for member in FAMILY.splits.train} == set(range(20, 32))
    assert [member for member, count in enumerate(layers) if count == 32] == [OUTLIER]


def test_scalars_of_the_new_layers():
    """A convolution 64 -> 64 and the classifier 64 -> 10: 8 % of the model."""
    target = FAMILY.build(OUTLIER)
    new = sum(len(placed.grid) for placed in target.placed_components if placed.grid.layer_idx >= 30)
    assert new == 64 * 64 * 9 + 64 + 64 * 10 + 10
    assert round(new / target.num_params, 3) == 0.081


def test_codes_of_neighbouring_layers_are_uncorrelated():
    """Each new layer against all trained positions of the same scalar: no correlation beyond that of random codes."""
    ranges = FAMILY.ranges
    rows = torch.zeros(32, 10, dtype=torch.float64)
    rows[:, IndexField.LAYER_IDX] = torch.arange(32)
    rows[:, IndexField.LAYER_TYPE] = LayerType.CONV2D
    torch.manual_seed(0)
    encoding = make_index_encoding(UHNConfig(), ranges)
    normalizer = Normalizer(ranges.index_min, ranges.index_max)
    codes = exact_features(normalizer, encoding, rows, torch.float64)
    step = math.sqrt(12) / 31
    assert (normalizer(rows)[1:, 0] - normalizer(rows)[:-1, 0]).tolist() == pytest.approx([step] * 31, rel=1e-6)
    assert math.exp(-((100 * step) ** 2) / 2) < 1e-26
    correlations = (codes @ codes[30:].T)[:30] / 2048  # every code has the square norm F
    assert correlations.abs().max() < 4.5 / math.sqrt(2 * 2048)


def test_one_model_at_chance_explains_the_printed_gap():
    with open(config_dir() / "paper.csv") as file:
        printed = {
            row["column"]: float(row["mean"])
            for row in csv.DictReader(file)
            if row["table"] == "3" and row["row"] == "cnn_mixed_depth" and row["mean"]
        }
    seen, unseen = printed["seen"], printed["unseen"]
    explained = (seen - 0.1) / len(FAMILY.splits.test)
    assert explained == pytest.approx(0.039, abs=5e-4)
    assert 0.9 < explained / (seen - unseen) < 1
