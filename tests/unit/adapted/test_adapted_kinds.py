"""Descriptors equal the paper's for its kinds of layers."""

from importlib import import_module
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

import uhn
from uhn.adapted.kinds import KINDS, kind_of
from uhn.descriptors.vocabulary import LayerType
from uhn.models.model_sets import FAMILIES
from uhn.models.registry import build_model, model_names


@pytest.mark.parametrize("name", [*model_names(), *(f"{family}/0" for family in FAMILIES)])
def test_models_of_the_paper_adapt_to_what_they_state(name):
    model = build_model(name)
    target = uhn.adapt(model)
    assert [(p.name, p.grid) for p in target.placed_components] == [(p.name, p.grid) for p in model.placed_components]
    assert [p.component.init for p in target.placed_components] == [p.component.init for p in model.placed_components]
    np.testing.assert_array_equal(target.structure_tokens(), model.structure_tokens())
    assert (target.name, target.ranges()) == (name, model.ranges())


class PlainMLP(nn.Sequential):
    def __init__(self, sizes):
        layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
        super().__init__(*(module for layer in layers for module in (layer, nn.LeakyReLU(0.1))))


class PlainCNN(nn.Module):
    def __init__(self, config):
        super().__init__()
        widths = [w for depth, w in zip(config.stage_layers, config.stage_widths, strict=True) for _ in range(depth)]
        inputs = [config.in_channels, *widths]
        self.convs = nn.ModuleList(
            nn.Conv2d(a, b, config.kernel_size, padding="same") for a, b in zip(inputs, widths, strict=False)
        )
        self.readout = nn.Linear(widths[-1], config.classes)


class PlainGraphNetwork(nn.Module):
    def __init__(self, *convs):
        super().__init__()
        self.convs = nn.ModuleList(convs)


class TokensAndPositions(nn.Embedding):
    def __init__(self, vocabulary, length, width):
        super().__init__(vocabulary, width)
        self.position = nn.Parameter(torch.zeros(1, length, width))


class PlainTransformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        d = config.width
        self.embedding = TokensAndPositions(config.vocabulary_size, config.max_length, d)
        self.blocks = nn.ModuleList(
            nn.ModuleDict(
                {
                    "attention": nn.MultiheadAttention(d, config.heads),
                    "feedforward": nn.ModuleList(nn.Linear(d, d) for _ in range(layers)),
                }
            )
            for layers in config.feedforward_layers
        )
        self.readout = nn.Linear(d, config.classes)


def plain(model):
    """The same architecture in modules of torch and PyG, and the roles it needs."""
    from torch_geometric.nn import GATConv, GCNConv

    config = model.config
    match type(model).__name__:
        case "MLP":
            return PlainMLP(config.sizes), {}
        case "CNN":
            return PlainCNN(config), {}
        case "GCN":
            a, b, c = config.sizes
            return PlainGraphNetwork(GCNConv(a, b), GCNConv(b, c)), {}
        case "GAT":
            width, heads = config.hidden_features, config.hidden_heads
            hidden = GATConv(config.in_features, width, heads)
            readout = GATConv(width * heads, config.classes, config.out_heads, concat=False)
            return PlainGraphNetwork(hidden, readout), {}
        case "Transformer":
            return PlainTransformer(config), {"embedding.position": "sequence out"}


@pytest.mark.parametrize(
    "name",
    ["mnist_mlp", "cifar10_cnn20", "cora_gcn", "pubmed_gat", "agnews_transformer2l", "transformer_mixed/439"],
)
def test_the_same_architecture_in_plain_torch(name):
    model = build_model(name)
    module, roles = plain(model)
    target = uhn.adapt(module, roles=roles)
    assert [p.grid for p in target.placed_components] == [p.grid for p in model.placed_components]
    rows, expected = target.structure_tokens()[:, 8:], model.structure_tokens()[:, 8:]
    columns = [0, 1, 2, 5, 6, 12, 14, 15, 16, 17]  # index, type, bias, sizes, kernel, heads, their joining, tables
    np.testing.assert_array_equal(rows[:, columns], expected[:, columns])


def test_optional_packages_are_named_rightly():
    for cls in KINDS:
        if isinstance(cls, str) and not cls.startswith("transformers"):
            module, _, name = cls.rpartition(".")
            assert isinstance(getattr(import_module(module), name), type)


def test_ids_of_a_kind_do_not_overlap():
    for kind in KINDS.values():
        ids = {}
        for name, role in kind.tensors.items():
            ids.setdefault(role.param_type, []).append(name)
        assert all(len(names) == 1 or {"in_proj_weight", "q_proj_weight"} == set(names) for names in ids.values())


def test_paper_ids_do_not_change():
    paper = {"LINEAR": 0, "CONV2D": 1, "GCN": 2, "GAT": 3, "EMBEDDING": 4, "ATTENTION": 5, "KAN": 6}
    assert {t.name: t.value for t in list(LayerType)[:7]} == paper
    assert [t.value for t in LayerType] == list(range(16))


def test_nearest_known_class():
    assert kind_of(nn.LazyLinear(3)).layer_type == LayerType.LINEAR
    assert kind_of(nn.SyncBatchNorm(3)).layer_type == LayerType.NORM
    assert kind_of(nn.MultiheadAttention(2, 1).out_proj).layer_type == LayerType.LINEAR
    assert kind_of(nn.Tanh()).layer_type == LayerType.GENERIC
