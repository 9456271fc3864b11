"""The graph layers against PyG's GCNConv and GATConv, run as themselves with the same parameters."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F
from generated_weights import assert_equivalent, random_input, random_weights
from torch.func import functional_call
from torch_geometric.nn import GATConv, GCNConv

from uhn.descriptors.vocabulary import HeadConcat
from uhn.layers.activation import ELU, LEAKY_RELU
from uhn.layers.gat import GATLayer
from uhn.layers.gcn import GCNLayer

# Directed: 0 -> 2 has no edge back; node 3 has a self-loop; node 5 has no edge at all.
EDGES = torch.tensor([[0, 1, 1, 2, 2, 3, 4, 3], [1, 0, 2, 1, 4, 2, 0, 3]])


def run_gcn(conv, x, weight, bias):
    return functional_call(conv, {"lin.weight": weight, "bias": bias}, (x, EDGES))


def test_gcn():
    layer, conv = GCNLayer(5, 4), GCNConv(5, 4)
    inputs = [random_input(6, 5)]
    assert_equivalent(layer, random_weights(layer), inputs, partial(run_gcn, conv), constants=[EDGES])


def test_gcn_activation_precedes_norm():
    layer, conv = GCNLayer(5, 4, activation=LEAKY_RELU, norm=True), GCNConv(5, 4)

    def reference(x, weight, bias):
        return run_gcn(conv, F.layer_norm(F.leaky_relu(x, 0.1), (5,)), weight, bias)

    assert_equivalent(layer, random_weights(layer), [random_input(6, 5)], reference, constants=[EDGES])


@pytest.mark.parametrize("concat", HeadConcat)
def test_gat(concat):
    layer = GATLayer(5, 4, 3, concat, activation=ELU, norm=True)
    conv = GATConv(5, 4, 3, concat=concat is HeadConcat.CONCATENATE)

    def reference(x, weight, bias, att_src, att_dst):
        parameters = {"lin.weight": weight, "bias": bias, "att_src": att_src, "att_dst": att_dst}
        return functional_call(conv, parameters, (F.layer_norm(F.elu(x), (5,)), EDGES))

    assert_equivalent(layer, random_weights(layer), [random_input(6, 5)], reference, constants=[EDGES])


def test_gat_dropout_acts_on_input_and_coefficients():
    layer = GATLayer(5, 4, 2, HeadConcat.CONCATENATE, dropout=0.5).train()
    conv = GATConv(5, 4, 2, dropout=0.5).train()
    weights = {"weight": "lin.weight", "bias": "bias", "att_src": "att_src", "att_dst": "att_dst"}
    values = {name: torch.randn(c.shape) for name, c in zip(weights, layer.components(), strict=True)}
    x = torch.randn(6, 5)
    torch.manual_seed(3)
    found = functional_call(layer, values, (x, EDGES))
    torch.manual_seed(3)
    dropped = F.dropout(x, 0.5)
    expected = functional_call(conv, {weights[name]: value for name, value in values.items()}, (dropped, EDGES))
    torch.testing.assert_close(found, expected)
    assert not torch.equal(found, functional_call(layer.eval(), values, (x, EDGES)))


@pytest.mark.parametrize("layer", [GCNLayer(2, 2), GATLayer(2, 2, 1, HeadConcat.AVERAGE)], ids=["gcn", "gat"])
def test_propagation_stays_in_full_precision_under_autocast(layer):
    # In bfloat16 a count of neighbours stops at 256. Generators give bfloat16 weights under autocast.
    neighbours = 2000
    edges = torch.stack([torch.arange(1, neighbours + 1), torch.zeros(neighbours, dtype=torch.int64)])
    x = torch.ones(neighbours + 1, 2)
    weights = {c.name: torch.ones(c.shape) for c in layer.components()}
    expected = functional_call(layer.eval(), weights, (x, edges))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = functional_call(layer, {name: w.bfloat16() for name, w in weights.items()}, (x, edges))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)
