"""The task-structure encoder (TSE): layer tokens -> one conditioning vector (paper, Section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StructureEncoder(nn.Module):
    """A post-norm Transformer encoder layer over the layer tokens, their mean, and a two-layer map to width d.

    The last layer starts at zero, so an untrained encoder has no effect.

    Args:
        token_dim: width e of an encoded token; also the feed-forward width.
        heads: attention heads.
        hidden_dim: width d of the index branch.

    Shapes:
        tokens (L, e) -> (1, d)
    """

    def __init__(self, token_dim: int, heads: int, hidden_dim: int) -> None:
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(
            token_dim, heads, dim_feedforward=token_dim, dropout=0.0, batch_first=True
        )
        self.hidden = nn.Linear(token_dim, hidden_dim)
        self.readout = nn.Linear(hidden_dim, hidden_dim)
        nn.init.zeros_(self.readout.weight)
        nn.init.zeros_(self.readout.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        summary = self.encoder(tokens.unsqueeze(0)).mean(dim=1)  # (1, e)
        return self.readout(torch.relu(self.hidden(summary)))
