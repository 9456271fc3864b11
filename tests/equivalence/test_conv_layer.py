"""The convolution layer against F.conv2d, F.group_norm and pooling."""

from functools import partial

import pytest
import torch.nn.functional as F
from generated_weights import assert_equivalent, random_input, random_weights
from torch import nn

from uhn.descriptors.vocabulary import StagePooling
from uhn.layers.activation import LEAKY_RELU
from uhn.layers.conv import ConvLayer


def test_plain():
    layer = ConvLayer(3, 4)
    reference = partial(F.conv2d, padding=1)
    assert_equivalent(layer, random_weights(layer), [random_input(2, 3, 6, 6)], reference)


def test_activation_precedes_group_norm_and_shortcut_is_the_raw_input():
    layer = ConvLayer(8, 8, 5, activation=LEAKY_RELU, group_num=4, shortcut=True)
    norm = nn.GroupNorm(4, 8, affine=False)

    def reference(x, weight, bias):
        return F.conv2d(norm(F.leaky_relu(x, 0.1)), weight, bias, padding=2) + x

    assert_equivalent(layer, random_weights(layer), [random_input(2, 8, 6, 6)], reference)


def test_group_norm_takes_consecutive_channels():
    layer = ConvLayer(4, 2, group_num=2)

    def reference(x, weight, bias):
        halves = x.view(2, 2, 2 * 6 * 6)  # (batch, groups, channels of a group * pixels)
        variance = halves.var(2, correction=0, keepdim=True)
        normed = ((halves - halves.mean(2, keepdim=True)) / (variance + 1e-5).sqrt()).view(2, 4, 6, 6)
        return F.conv2d(normed, weight, bias, padding=1)

    assert_equivalent(layer, random_weights(layer), [random_input(2, 4, 6, 6)], reference)


REDUCTIONS = {
    StagePooling.STRIDED: lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1),
    StagePooling.AVERAGE: lambda x, w, b: F.conv2d(F.avg_pool2d(x, 2, 2), w, b, padding=1),
    StagePooling.MAX: lambda x, w, b: F.conv2d(F.max_pool2d(x, 2, 2), w, b, padding=1),
}


@pytest.mark.parametrize("pooling", REDUCTIONS)
def test_halved_resolution(pooling):
    layer = ConvLayer(4, 6, activation=LEAKY_RELU, group_num=4, pooling=pooling)

    def reference(x, weight, bias):
        return REDUCTIONS[pooling](F.group_norm(F.leaky_relu(x, 0.1), 4), weight, bias)

    assert_equivalent(layer, random_weights(layer), [random_input(2, 4, 8, 8)], reference)
