"""Rows generated in recomputed chunks equal rows generated at once, forward and backward."""

import torch

from uhn.hypernetworks.config import UHNConfig
from uhn.hypernetworks.uhn import UHN
from uhn.models.registry import build_model


def test_chunks_change_nothing():
    target = build_model("pubmed_gat")
    config = UHNConfig(index_frequencies=8, hidden_dim=8, structure_encoder=True)
    results = []
    for settings in ({}, {"cache_bytes": 0, "chunk_rows": 9_999}):
        torch.manual_seed(0)
        generator = UHN(config, target.ranges(), **settings).double()
        scalars = generator.generate_scalars(target)
        scalars.square().mean().backward()
        results.append([scalars, *(p.grad for p in generator.parameters())])
    for whole, chunked in zip(*results, strict=True):
        torch.testing.assert_close(chunked, whole)
