"""Targets of the initialisation phase, against closed forms and numpy."""

import math

import numpy as np
import pytest
import torch
from torch import nn

import uhn


def targets_of(module):
    torch.manual_seed(0)
    return {p.name: p.component.init for p in uhn.adapt(module).placed_components}


@pytest.mark.parametrize(
    ("build", "fan_in"),
    [(lambda: nn.Linear(30, 20), 30), (lambda: nn.Conv2d(8, 6, 3), 72), (lambda: nn.Conv2d(8, 8, 3, groups=8), 9)],
)
def test_pytorchs_default_has_the_papers_closed_form(build, fan_in):
    for target in targets_of(build()).values():
        assert (target.mean, target.std) == (0, pytest.approx(1 / math.sqrt(3 * fan_in), rel=1e-12))


def test_embedding_attention_and_graph_layers():
    from torch_geometric.nn import GATConv, GCNConv

    embedding = targets_of(nn.Embedding(50, 8))["weight"]
    assert (embedding.mean, embedding.std) == (0, 1)
    attention = targets_of(nn.MultiheadAttention(16, 2, kdim=8))
    assert attention["k_proj_weight"].std == pytest.approx(math.sqrt(2 / 24))
    assert attention["out_proj.weight"].std == pytest.approx(1 / math.sqrt(48))
    assert (attention["out_proj.bias"].mean, attention["out_proj.bias"].std) == (0, 0)
    gcn = targets_of(GCNConv(20, 10))
    assert gcn["lin.weight"].std == pytest.approx(math.sqrt(2 / 30))
    gat = targets_of(GATConv(20, 6, heads=4))
    assert gat["att_src"].std == pytest.approx(math.sqrt(2 / 10))
    assert gat["lin.weight"].std == pytest.approx(math.sqrt(2 / 44))


def test_packed_attention_starts_as_pytorch_draws_it():
    """Its Glorot draw is over the packed matrix, narrower than one for each projection."""
    torch.manual_seed(0)
    module = nn.MultiheadAttention(64, 2)
    target = uhn.adapt(module).placed_components[0].component.init
    assert target.std == pytest.approx(module.in_proj_weight[:64].detach().numpy().std(), rel=1e-5)
    assert target.std == pytest.approx(math.sqrt(2 / (64 + 3 * 64)), rel=0.05)


def test_weights_set_by_the_user_are_measured():
    module = nn.Sequential(nn.Linear(30, 20), nn.Linear(20, 2), nn.BatchNorm1d(2))
    nn.init.normal_(module[0].weight, mean=0.5, std=0.02)
    nn.init.zeros_(module[1].weight)
    found = targets_of(module)
    weight = module[0].weight.detach().numpy().astype(np.float64)
    assert found["0.weight"].mean == pytest.approx(weight.mean())
    assert found["0.weight"].std == pytest.approx(weight.std())
    assert (found["1.weight"].mean, found["1.weight"].std) == (0, 0)
    assert (found["2.weight"].mean, found["2.weight"].std) == (1, 0)
    assert (found["2.bias"].mean, found["2.bias"].std) == (0, 0)


def test_the_phase_reaches_them():
    """Weights that are the constructed ones have the targets' statistics, also in pieces of a parameter."""
    from uhn.training.initialise import statistics_loss

    torch.manual_seed(0)
    module = nn.Sequential(nn.LSTM(8, 16), nn.Conv1d(4, 6, 3))
    target = uhn.adapt(module)
    weights = {n: p.detach() for n, p in module.named_parameters()}
    assert statistics_loss(target, weights) < 1e-12
    assert statistics_loss(target, {n: w + 1 for n, w in weights.items()}) == pytest.approx(0.5, rel=1e-5)
