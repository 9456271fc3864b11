"""The Chunked baseline: one network generates the flat weight vector piece by piece (paper, Table 2)."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn

from uhn.configuration.generators import ChunkedConfig
from uhn.hypernetworks.generator import Generator
from uhn.models.base import TargetModel


class Chunked(Generator):
    """Map one embedding per chunk to consecutive scalars of a target; the last chunk is cut.

    Deviation: the paper gives the parameter counts alone. The sizes are the only ones found that give all four.
    ReLU between the layers and N(0, 1) embeddings are our choice; weights start from PyTorch's defaults.

    Args:
        target: the model; other targets are refused.
        config: sizes.
    """

    def __init__(self, target: TargetModel, config: ChunkedConfig) -> None:
        super().__init__()
        self.target_name = target.name
        num_chunks = -(-target.num_params // config.chunk_size)
        self.embeddings = nn.Parameter(torch.randn(num_chunks, config.embedding_dim))
        layers: list[nn.Module] = []
        for in_features, out_features in pairwise((config.embedding_dim, *config.hidden_dims)):
            layers += [nn.Linear(in_features, out_features), nn.ReLU()]
        self.network = nn.Sequential(
            *layers, nn.Linear((config.embedding_dim, *config.hidden_dims)[-1], config.chunk_size)
        )

    def forward(self, target: TargetModel, rows: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Generate all weights of the target model."""
        if target.name != self.target_name:
            raise ValueError(f"Chunked generator: holds the embeddings of {self.target_name}, not of {target.name}")
        scalars = self.network(self.embeddings).flatten()  # (chunks * chunk_size,)
        return target.unflatten(scalars[: target.num_params])
