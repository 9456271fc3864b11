"""Distances and labels of architectures, worked by hand."""

import math

import pytest

from uhn.descriptors.vocabulary import DatasetType
from uhn.models.cnn import CNNConfig
from uhn.models.distance import architecture_vectors, nearest_distances
from uhn.models.model_sets import FAMILIES
from uhn.models.transformer import TransformerConfig


def cnn(layers, widths):
    return CNNConfig(DatasetType.CIFAR10, stage_layers=(1, *layers), stage_widths=(widths[0], *widths))


def transformer(layers, heads, width):
    return TransformerConfig(DatasetType.AG_NEWS, 4, 128, layers, heads=heads, width=width)


CNNS = [cnn((6, 6, 6), (16, 32, 64)), cnn((10, 6, 6), (16, 32, 128)), cnn((8, 6, 7), (16, 32, 80))]
TRANSFORMERS = [transformer((1,), 1, 32), transformer((3, 3), 5, 128), transformer((1, 2), 2, 80)]


def test_sizes_in_units_of_their_span():
    """Depth 6..10 and 6..7, width 64..128; the sizes that all share count for nothing."""
    assert architecture_vectors(CNNS).tolist() == [[0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 1], [0.5, 0, 1, 0, 0, 0.25]]


def test_an_absent_block_has_no_layers():
    assert architecture_vectors(TRANSFORMERS).tolist() == [[0, 0, 0, 0], [1, 1, 1, 1], [0, 2 / 3, 0.25, 0.5]]


def test_distance_to_the_nearest():
    assert nearest_distances(CNNS, [2], [0]) == pytest.approx([math.sqrt(0.25 + 1 + 0.0625)])
    assert nearest_distances(CNNS, [2, 1, 0], [0, 1]) == pytest.approx([math.sqrt(0.25 + 1 + 0.0625), 0, 0])
    assert nearest_distances(TRANSFORMERS, [2], [0, 1]) == pytest.approx([math.sqrt(4 / 9 + 1 / 16 + 1 / 4)])


def test_unseen_members_of_mixed_depth_are_one_layer_away():
    """100 of 125 architectures are in the set: each unseen one differs from a trained one by one layer of a stage."""
    family = FAMILIES["cnn_mixed_depth"]
    distances = nearest_distances(family.configs, family.splits.test, family.splits.train)
    assert distances.tolist() == [0.25] * 20


@pytest.mark.parametrize(
    ("config", "label"),
    [
        (cnn((10, 10, 10), (16, 32, 64)), "10/10/10 convs, widths 16/16/32/64"),
        (transformer((1, 3), 4, 64), "blocks of 1/3 linear layers, width 64, heads 4"),
    ],
)
def test_labels(config, label):
    assert config.summary == label
