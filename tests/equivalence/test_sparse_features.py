"""Sparse features give what dense ones give, in every graph layer."""

import pytest
import torch

from uhn.layers.gat import GATLayer, HeadConcat
from uhn.layers.gcn import GCNLayer
from uhn.layers.sparse_features import SparseFeatures

NODES, FEATURES = 40, 23


@pytest.fixture
def graph():
    generator = torch.Generator().manual_seed(1)
    features = torch.rand(NODES, FEATURES, dtype=torch.float64, generator=generator)
    features[torch.rand(NODES, FEATURES, generator=generator) < 0.9] = 0
    features[3] = 0  # a node without features
    features[:, 5] = 0  # a feature without nodes
    return features, torch.randint(NODES, (2, 120), generator=generator)


@pytest.mark.parametrize(
    "layer", [GCNLayer(FEATURES, 6, dropout=0.5), GATLayer(FEATURES, 3, 2, HeadConcat.CONCATENATE, dropout=0.6)]
)
def test_same_output_and_weight_gradient_as_dense(graph, layer):
    features, edges = graph
    layer = layer.double().eval()
    outputs, gradients = [], []
    for x in (features, SparseFeatures.from_dense(features)):
        output = layer(x, edges)
        (gradient,) = torch.autograd.grad(output.square().sum(), layer.weight)
        outputs.append(output)
        gradients.append(gradient)
    torch.testing.assert_close(outputs[1], outputs[0], rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-12, atol=1e-14)


def test_dropout_drops_at_its_rate_and_keeps_the_mean():
    torch.manual_seed(0)
    features = (torch.rand(300, 400) < 0.5).float()
    dropped = SparseFeatures.from_dense(features).dropout(0.6).values
    count = len(dropped)
    kept = (dropped != 0).float().mean().item()
    assert kept == pytest.approx(0.4, abs=5 * (0.4 * 0.6 / count) ** 0.5)
    assert dropped.unique().tolist() == pytest.approx([0.0, 2.5])


def test_the_dropped_entries_get_no_gradient():
    torch.manual_seed(0)
    x = SparseFeatures.from_dense(torch.ones(1, 8)).dropout(0.5)
    weight = torch.ones(1, 8, requires_grad=True)
    x.linear(weight).sum().backward()
    torch.testing.assert_close(weight.grad[0], x.values)
