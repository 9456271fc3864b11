"""Convolutions of PyG as targets."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import uhn

EDGES = torch.tensor([[0, 1, 2, 3, 1, 2], [1, 2, 3, 0, 0, 1]])


def convolution(name):
    """The convolution and further inputs of its call."""
    from torch_geometric import nn as graph

    edge_features = torch.randn(6, 2)
    return {
        "gcn": lambda: (graph.GCNConv(3, 4), ()),
        "gat": lambda: (graph.GATConv(3, 2, heads=2), ()),
        "gat with edges": lambda: (graph.GATConv(3, 2, heads=2, edge_dim=2, residual=True), (edge_features,)),
        "gin": lambda: (
            graph.GINConv(
                nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 4)), train_eps=True
            ),
            (),
        ),
        "sage": lambda: (graph.SAGEConv(3, 4), ()),
        "pna": lambda: (graph.PNAConv(3, 4, ["mean", "max"], ["identity", "linear"], deg=torch.tensor([0, 2, 2])), ()),
        "transformer": lambda: (graph.TransformerConv(3, 2, heads=2, edge_dim=2), (edge_features,)),
    }[name]()


@pytest.mark.parametrize("name", ["gcn", "gat", "gat with edges", "gin", "sage", "pna", "transformer"])
def test_convolution(name):
    torch.manual_seed(0)
    module, rest = convolution(name)
    x, parameters = torch.randn(4, 3), dict(module.named_parameters())
    before = copy.deepcopy(module.state_dict())
    target = uhn.adapt(module)
    assert len(np.unique(target.index_table(), axis=0)) == sum(p.numel() for p in parameters.values())
    again = target.unflatten(target.flatten(parameters))
    assert all(torch.equal(again[n], p) for n, p in parameters.items())

    scalars = torch.randn(target.num_params, requires_grad=True)
    weights = target.unflatten(scalars)
    found = target.run(weights, x, EDGES, *rest)
    torch.sin(found).sum().backward()
    assert scalars.grad.isfinite().all()
    assert scalars.grad.count_nonzero() > 0.5 * len(scalars)
    made = target.materialise(weights)
    other = copy.deepcopy(module)
    other.load_state_dict(made.state_dict(), strict=True)
    target.eval()
    torch.testing.assert_close(other.eval()(x, EDGES, *rest), target.run(weights, x, EDGES, *rest))
    assert all(torch.equal(before[n], t) for n, t in module.state_dict().items())


def test_ids_of_graph_convolutions():
    """Weight, bias, attention of source and target as the paper's; what it does not have follows."""
    ids = {p.name: (p.grid.layer_idx, p.grid.layer_type, p.grid.param_type) for p in _edges().placed_components}
    assert ids == {
        "lin.weight": (0, 3, 0),
        "bias": (0, 3, 1),
        "att_src": (0, 3, 2),
        "att_dst": (0, 3, 3),
        "att_edge": (0, 3, 4),
        "lin_edge.weight": (1, 0, 0),
        "res.weight": (2, 0, 0),
    }


def _edges():
    return uhn.adapt(convolution("gat with edges")[0])
