"""A user's mistakes in layers: one clear line each."""

import pytest
import torch
from torch import nn

from uhn.configuration.generators import UHNConfig
from uhn.descriptors.vocabulary import DatasetType, HeadConcat, StagePooling
from uhn.errors import UserError
from uhn.hypernetworks.uhn import UHN
from uhn.layers.attention import AttentionLayer
from uhn.layers.conv import ConvLayer
from uhn.layers.embedding import EmbeddingLayer
from uhn.layers.linear import LinearLayer
from uhn.models.cnn import CNN, CNNConfig
from uhn.models.registry import build_model


def assert_one_line(error, *words):
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    "build, words",
    [
        (lambda: ConvLayer(10, 10, group_num=4), ["groups", "width 10", "got 4"]),
        (lambda: ConvLayer(4, 4, 2), ["odd", "got 2"]),
        (lambda: ConvLayer(4, 8, shortcut=True), ["shortcut", "4 -> 8"]),
        (lambda: ConvLayer(4, 4, shortcut=True, pooling=StagePooling.STRIDED), ["shortcut", "resolution"]),
        (lambda: LinearLayer(4, 8, shortcut=True), ["shortcut", "4 -> 8"]),
        (lambda: AttentionLayer(64, 5), ["heads", "width 64", "got 5"]),
        (lambda: AttentionLayer(64, 0), ["heads", "got 0"]),
        (lambda: CNN("narrow", CNNConfig(DatasetType.CIFAR10, stage_widths=(6, 6, 12, 24))), ["groups", "width 6"]),
        (lambda: EmbeddingLayer(9, 4, 3)(torch.zeros(1, 5, dtype=torch.int64)), ["at most 4", "got 5"]),
    ],
)
def test_impossible_sizes(build, words):
    with pytest.raises(UserError) as error:
        build()
    assert_one_line(error, *words)


@pytest.mark.parametrize("concat", [None, HeadConcat.AVERAGE])
def test_graph_without_edges(concat):
    from uhn.layers.gat import GATLayer
    from uhn.layers.gcn import GCNLayer

    layer = GCNLayer(3, 2) if concat is None else GATLayer(3, 2, 1, concat)
    with pytest.raises(UserError) as error:
        layer(torch.zeros(4, 3), torch.empty(2, 0, dtype=torch.int64))
    assert_one_line(error, "at least one edge", "(2, 0)")


def test_unsupported_layer():
    target = build_model("mnist_mlp")
    target.extra = nn.BatchNorm1d(10)
    with pytest.raises(UserError) as error:
        _ = target.num_params
    assert_one_line(error, "extra.bias", "no supported layer")


def test_target_outside_the_generators_ranges():
    generator = UHN(UHNConfig(index_frequencies=4, hidden_dim=4), build_model("cifar10_cnn20").ranges())
    with pytest.raises(UserError) as error:
        generator(build_model("cifar10_cnn32"))
    assert_one_line(error, "layer_idx", "[0, 19]", "[0, 31]")
