"""Token and position embedding (paper, Table 8)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uhn.descriptors.index import IndexField
from uhn.descriptors.vocabulary import InitializationType, LayerType
from uhn.errors import UserError
from uhn.layers.base import Component, GeneratedLayer, InitTarget
from uhn.layers.functional import dropout
from uhn.layers.initialization import ZERO_TARGET


class EmbeddingLayer(GeneratedLayer):
    """The token's row plus the position's row, with dropout on the sum.

    Deviation: the paper does not state how direct training initialises its models. Token rows start from
    PyTorch's default N(0, 1), position rows at zero, as the initialisation targets have it.

    Args:
        vocabulary_size: number of token rows.
        max_length: number of position rows.
        width: width of a row.
        dropout: rate on the sum.
        initialization: default or zero.

    Shapes:
        token ids (batch, n) with n <= max_length -> (batch, n, width)
    """

    layer_type = LayerType.EMBEDDING

    def __init__(
        self,
        vocabulary_size: int,
        max_length: int,
        width: int,
        *,
        dropout: float = 0.0,
        initialization: InitializationType = InitializationType.DEFAULT,
    ) -> None:
        super().__init__()
        self.vocabulary_size = vocabulary_size
        self.max_length = max_length
        self.width = width
        self.dropout = dropout
        self.initialization = initialization
        self.token = nn.Parameter(torch.empty(vocabulary_size, width))
        self.position = nn.Parameter(torch.empty(1, max_length, width))
        self.reset_parameters()

    def draw_parameters(self) -> None:
        """Draw the token rows; the position rows start at zero."""
        nn.init.normal_(self.token)

    def components(self) -> tuple[Component, ...]:
        """Return token table and position table."""
        return self.number_components(
            ("token", (IndexField.EMBEDDING_IDX, IndexField.OUT_IDX), InitTarget(0.0, 1.0)),
            ("position", (IndexField.SEQUENCE_IDX, IndexField.OUT_IDX), ZERO_TARGET),
        )

    def structure(self) -> dict[str, int]:
        """Return the sizes."""
        return {
            "output_size": self.width,
            "embedding_num": self.vocabulary_size,
            "max_sequence_length": self.max_length,
        }

    def forward(self, ids: Tensor) -> Tensor:
        length = ids.shape[1]
        if length > self.max_length:
            raise UserError(f"embedding: expected sequences of at most {self.max_length} tokens, got {length}")
        x = F.embedding(ids, self.token) + self.position[:, :length]
        return dropout(x, self.dropout, self.training)
