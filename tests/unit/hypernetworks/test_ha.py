"""The HA baseline: the counts of Table 2, its formula, and what it trains directly."""

import pytest
import torch
from generators import small_cnn

from uhn.configuration.generators import HAConfig
from uhn.errors import UserError
from uhn.hypernetworks.counting import count_parameters
from uhn.hypernetworks.ha import HA
from uhn.models.registry import build_model

SIZES = HAConfig(block_size=4, embedding_dim=5, hidden_dim=6)


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("cifar10_cnn20", 619_306),
        ("cifar10_cnn32", 635_546),
        ("cifar10_cnn44", 651_786),
        ("cifar10_cnn56", 668_026),
    ],
)
def test_printed_counts(name, printed):
    target = build_model(name)
    assert count_parameters(HA(target, HAConfig()), target.num_params).printed == printed


def test_blocks_follow_their_formula():
    torch.manual_seed(0)
    target = small_cnn()
    generator = HA(target, SIZES).double()
    weights = generator(target)
    kernel = weights["convs.3.weight"]  # 8 -> 8 channels: 2 x 2 blocks after those of 4 -> 4 and 4 -> 8
    row, column, block = 1, 0, 1 + 2 + 2
    channel, output = 3, 2
    hidden = generator.embeddings[block] @ generator.channel_weight[channel] + generator.channel_bias[channel]
    values = generator.readout(hidden).view(4, 3, 3)[output]
    torch.testing.assert_close(kernel[row * 4 + output, column * 4 + channel], values)


def test_the_rest_is_trained_directly_from_the_targets_own_values():
    target = small_cnn()
    weights = HA(target, SIZES)(target)
    for name in ("convs.0.weight", "convs.3.bias", "readout.weight", "readout.bias"):
        torch.testing.assert_close(weights[name], target.get_parameter(name), rtol=0, atol=0)
    assert not torch.equal(weights["convs.3.weight"], target.get_parameter("convs.3.weight"))


@pytest.mark.parametrize(
    "name, words", [("mnist_mlp", "at least two convolutions"), ("cnn_mixed_width/0", "multiples of 16, got 28")]
)
def test_targets_without_square_blocks_are_refused(name, words):
    with pytest.raises(UserError, match=words):
        HA(build_model(name), HAConfig())
