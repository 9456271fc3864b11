"""The index branch after the encoding: first layer, residual blocks, readout (paper, Section 3.3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Twice ReLU, LayerNorm, Linear, added to the input.

    Shapes:
        (rows, d) -> (rows, d)
    """

    def __init__(self, hidden_dim: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(hidden_dim)
        self.linear1 = nn.Linear(hidden_dim, hidden_dim)
        self.norm2 = nn.LayerNorm(hidden_dim)
        self.linear2 = nn.Linear(hidden_dim, hidden_dim)

    def forward(self, h: Tensor) -> Tensor:
        update = self.linear1(self.norm1(torch.relu(h)))
        return h + self.linear2(self.norm2(torch.relu(update)))


class Trunk(nn.Module):
    """Map index features to one scalar a row.

    Args:
        features: width of an encoded index descriptor.
        hidden_dim: width d.
        blocks: number of residual blocks.

    Shapes:
        features (rows, features), structure (1, d) or None -> (rows,)
    """

    def __init__(self, features: int, hidden_dim: int, blocks: int) -> None:
        super().__init__()
        self.first = nn.Linear(features, hidden_dim)
        self.blocks = nn.ModuleList(ResidualBlock(hidden_dim) for _ in range(blocks))
        self.readout = nn.Linear(hidden_dim, 1)

    def forward(self, features: Tensor, structure: Tensor | None) -> Tensor:
        return self.after_first(self.first(features), structure)

    def after_first(self, h: Tensor, structure: Tensor | None) -> Tensor:
        """Continue from the first layer's output; read out in the trunk's own type, even under autocast.

        Shapes:
            h (rows, d) -> (rows,)
        """
        for block in self.blocks:
            h = block(h)
        if structure is not None:
            h = h + structure
        with torch.autocast(h.device.type, enabled=False):
            return self.readout(torch.relu(h).to(self.readout.weight.dtype)).squeeze(-1)
