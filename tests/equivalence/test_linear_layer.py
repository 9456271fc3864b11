"""The linear layer against F.linear and F.layer_norm."""

import pytest
import torch
import torch.nn.functional as F
from generated_weights import assert_equivalent, random_input, random_weights

from uhn.descriptors.vocabulary import InputPooling
from uhn.layers.activation import ELU, LEAKY_RELU, SILU
from uhn.layers.linear import LinearLayer


def test_plain():
    layer = LinearLayer(7, 5)
    assert_equivalent(layer, random_weights(layer), [random_input(3, 7)], F.linear)


def test_activation_precedes_norm_and_shortcut_is_the_raw_input():
    layer = LinearLayer(6, 6, activation=LEAKY_RELU, norm=True, shortcut=True)

    def reference(x, weight, bias):
        return F.linear(F.layer_norm(F.leaky_relu(x, 0.1), (6,), eps=1e-5), weight, bias) + x

    assert_equivalent(layer, random_weights(layer), [random_input(2, 4, 6)], reference)


@pytest.mark.parametrize("activation, function", [(ELU, F.elu), (SILU, F.silu)])
def test_other_activations(activation, function):
    layer = LinearLayer(4, 3, activation=activation)
    assert_equivalent(
        layer, random_weights(layer), [random_input(5, 4)], lambda x, weight, bias: F.linear(function(x), weight, bias)
    )


POOLINGS = {
    InputPooling.GLOBAL_AVERAGE: ((2, 4, 3, 5), lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1)),
    InputPooling.GLOBAL_MAX: ((2, 4, 3, 5), lambda x: x.flatten(2).max(dim=2).values),
    InputPooling.FLATTEN: ((2, 1, 2, 2), lambda x: x.reshape(2, 4)),
    InputPooling.SEQUENCE_MEAN: ((2, 6, 4), lambda x: x.sum(1) / 6),
    InputPooling.FIRST_TOKEN: ((2, 6, 4), lambda x: x.select(1, 0)),
}


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooled_input_is_also_the_shortcut(pooling):
    shape, pool = POOLINGS[pooling]
    layer = LinearLayer(4, 4, pooling=pooling, shortcut=True)

    def reference(x, weight, bias):
        return F.linear(pool(x), weight, bias) + pool(x)

    assert_equivalent(layer, random_weights(layer), [random_input(*shape)], reference)


def test_without_bias():
    layer = LinearLayer(4, 3, bias=False)
    weights = random_weights(layer)
    assert weights["bias"].numel() == 0 and layer.describe(0).bias_type == 0
    assert_equivalent(layer, weights, [random_input(5, 4)], lambda x, weight, bias: F.linear(x, weight))


def test_dropout_acts_before_the_shortcut_and_in_training_only():
    layer = LinearLayer(50, 50, dropout=0.4, shortcut=True)
    x = torch.randn(40, 50)
    full = layer.eval()(x) - x
    dropped = layer.train()(x) - x
    kept = dropped.abs() > 1e-6
    torch.testing.assert_close(dropped[kept], full[kept] / 0.6, rtol=1e-3, atol=1e-4)
    assert 0.5 < kept.float().mean() < 0.7
