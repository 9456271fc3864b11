"""The HA and Chunked baselines: the counts of Table 2, and that they generate what they say."""

import pytest
import torch
import torch.nn.functional as F

from uhn.configuration.generators import ChunkedConfig, HAConfig
from uhn.descriptors.vocabulary import DatasetType
from uhn.errors import UserError
from uhn.hypernetworks.chunked import Chunked
from uhn.hypernetworks.counting import count_parameters
from uhn.hypernetworks.ha import HA
from uhn.models.cnn import CNN, CNNConfig
from uhn.models.registry import build_model

PRINTED = {
    "cifar10_cnn20": (619_306, 625_480),
    "cifar10_cnn32": (635_546, 627_592),
    "cifar10_cnn44": (651_786, 629_640),
    "cifar10_cnn56": (668_026, 631_688),
}


@pytest.mark.parametrize("name", PRINTED)
def test_printed_counts(name):
    target = build_model(name)
    counts = [
        count_parameters(generator, target.num_params).printed
        for generator in (HA(target, HAConfig()), Chunked(target, ChunkedConfig()))
    ]
    assert tuple(counts) == PRINTED[name]


def small_cnn():
    return CNN("small", CNNConfig(DatasetType.CIFAR10, 3, (1, 1, 2, 1), (4, 4, 8, 16), group_num=4))


GENERATORS = {
    "ha": lambda target: HA(target, HAConfig(block_size=4, embedding_dim=5, hidden_dim=6)),
    "chunked": lambda target: Chunked(target, ChunkedConfig(chunk_size=100, embedding_dim=5, hidden_dims=(7, 6))),
}


@pytest.mark.parametrize("kind", GENERATORS)
def test_all_parameters_are_generated_and_trained_through(kind):
    torch.manual_seed(0)
    target = small_cnn()
    generator = GENERATORS[kind](target)
    weights = generator(target)
    expected = {name: p.shape for name, p in target.named_parameters()}
    assert {name: w.shape for name, w in weights.items()} == expected
    outputs = target.run(weights, torch.randn(4, 3, 16, 16))
    F.cross_entropy(outputs, torch.arange(4)).backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("kind", GENERATORS)
def test_other_targets_are_refused(kind):
    generator = GENERATORS[kind](small_cnn())
    with pytest.raises(ValueError, match="not of cifar10_cnn20"):
        generator(build_model("cifar10_cnn20"))


def test_ha_blocks_follow_their_formula():
    torch.manual_seed(0)
    target = small_cnn()
    generator = GENERATORS["ha"](target).double()
    weights = generator(target)
    kernel = weights["convs.3.weight"]  # 8 -> 8 channels: 2 x 2 blocks after those of 4 -> 4 and 4 -> 8
    row, column, block = 1, 0, 1 + 2 + 2
    channel, output = 3, 2
    hidden = generator.embeddings[block] @ generator.channel_weight[channel] + generator.channel_bias[channel]
    values = generator.readout(hidden).view(4, 3, 3)[output]
    torch.testing.assert_close(kernel[row * 4 + output, column * 4 + channel], values)


def test_ha_trains_the_rest_directly_from_the_targets_own_values():
    target = small_cnn()
    weights = GENERATORS["ha"](target)(target)
    for name in ("convs.0.weight", "convs.3.bias", "readout.weight", "readout.bias"):
        torch.testing.assert_close(weights[name], target.get_parameter(name), rtol=0, atol=0)
    assert not torch.equal(weights["convs.3.weight"], target.get_parameter("convs.3.weight"))


def test_chunks_fill_the_flat_vector_in_order():
    target = small_cnn()
    generator = GENERATORS["chunked"](target)
    flat = torch.cat([generator(target)[placed.name].flatten() for placed in target.placed_components])
    assert len(generator.embeddings) == -(-target.num_params // 100)
    torch.testing.assert_close(flat[200:300], generator.network(generator.embeddings[2]))
    last = generator.network(generator.embeddings[-1])
    torch.testing.assert_close(flat[len(flat) // 100 * 100 :], last[: len(flat) % 100])


@pytest.mark.parametrize(
    "name, words", [("mnist_mlp", "at least two convolutions"), ("cnn_mixed_width/0", "multiples of 16, got 28")]
)
def test_ha_refuses_targets_without_square_blocks(name, words):
    with pytest.raises(UserError, match=words):
        HA(build_model(name), HAConfig())
