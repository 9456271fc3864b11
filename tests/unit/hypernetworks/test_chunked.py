"""The Chunked baseline: the counts of Table 2, and the order of its chunks."""

import pytest
import torch
from generators import small_cnn

from uhn.configuration.generators import ChunkedConfig
from uhn.hypernetworks.chunked import Chunked
from uhn.hypernetworks.counting import count_parameters
from uhn.models.registry import build_model


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("cifar10_cnn20", 625_480),
        ("cifar10_cnn32", 627_592),
        ("cifar10_cnn44", 629_640),
        ("cifar10_cnn56", 631_688),
    ],
)
def test_printed_counts(name, printed):
    target = build_model(name)
    assert count_parameters(Chunked(target, ChunkedConfig()), target.num_params).printed == printed


def test_chunks_fill_the_flat_vector_in_order():
    target = small_cnn()
    generator = Chunked(target, ChunkedConfig(chunk_size=100, embedding_dim=5, hidden_dims=(7, 6)))
    weights = generator(target)
    flat = torch.cat([weights[placed.name].flatten() for placed in target.placed_components])
    assert len(generator.embeddings) == -(-target.num_params // 100)
    torch.testing.assert_close(flat[200:300], generator.network(generator.embeddings[2]))
    last = generator.network(generator.embeddings[-1])
    torch.testing.assert_close(flat[len(flat) // 100 * 100 :], last[: len(flat) % 100])
