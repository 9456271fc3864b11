"""The interface that all generators share, on every generator."""

import pytest
import torch
import torch.nn.functional as F
from generators import small_cnn

from uhn.configuration.generators import ChunkedConfig, HAConfig, UHNConfig
from uhn.hypernetworks.chain import RecursiveChain, chain_ranges
from uhn.hypernetworks.chunked import Chunked
from uhn.hypernetworks.direct import Direct
from uhn.hypernetworks.generator import Generator
from uhn.hypernetworks.ha import HA
from uhn.hypernetworks.uhn import UHN
from uhn.models.generated_uhn import GeneratedUHNConfig
from uhn.models.registry import build_model

SIZES = UHNConfig(index_frequencies=16, hidden_dim=16, structure_frequencies=4, structure_encoder=True)
INNER = GeneratedUHNConfig(index_frequencies=16, hidden_dim=16, structure_frequencies=4)
GENERATORS = {
    "uhn": lambda target: UHN(SIZES, target.ranges()),
    "chain": lambda target: RecursiveChain(SIZES, INNER, 1, chain_ranges(INNER, target)),
    "ha": lambda target: HA(target, HAConfig(block_size=4, embedding_dim=5, hidden_dim=6)),
    "chunked": lambda target: Chunked(target, ChunkedConfig(chunk_size=100, embedding_dim=5, hidden_dims=(7, 6))),
    "direct": Direct,
}


def build(kind):
    torch.manual_seed(0)
    target = small_cnn()
    return GENERATORS[kind](target), target


@pytest.mark.parametrize("kind", GENERATORS)
def test_all_weights_are_generated(kind):
    generator, target = build(kind)
    assert isinstance(generator, Generator)
    expected = {name: p.shape for name, p in target.named_parameters()}
    assert {name: w.shape for name, w in generator(target).items()} == expected


@pytest.mark.parametrize("kind", ["ha", "chunked", "direct"])
def test_all_parameters_are_trained_through(kind):
    generator, target = build(kind)
    outputs = target.run(generator(target), torch.randn(4, 3, 16, 16))
    F.cross_entropy(outputs, torch.arange(4)).backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("kind", GENERATORS)
def test_rows_that_are_read_are_the_same(kind):
    """All generators can be told which rows will be read; those that cannot use it generate everything."""
    generator, target = build(kind)
    kept = torch.tensor([0, 3])
    full, found = generator(target), generator(target, {"convs.1.weight": kept})
    other_rows = [1, 2]
    for name, w in found.items():
        rows = kept if name == "convs.1.weight" else slice(None)
        torch.testing.assert_close(w[rows], full[name][rows], rtol=1e-4, atol=1e-5)
    left_out = not found["convs.1.weight"][other_rows].any()
    assert left_out == generator.uses_rows == (kind == "uhn")


@pytest.mark.parametrize("kind", ["ha", "chunked", "direct"])
def test_other_targets_are_refused(kind):
    generator, _ = build(kind)
    with pytest.raises(ValueError, match="not of cifar10_cnn20"):
        generator(build_model("cifar10_cnn20"))


def test_a_generator_without_forward_is_none():
    class Nothing(Generator):
        pass

    with pytest.raises(TypeError, match="forward"):
        Nothing()
