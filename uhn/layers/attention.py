"""Multi-head self-attention (Vaswani et al. 2017; paper, Table 8) with pre-activation, norm and shortcut."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uhn.descriptors.index import IndexField
from uhn.descriptors.vocabulary import InitializationType, LayerType
from uhn.layers.activation import IDENTITY, Activation
from uhn.layers.base import Component, GeneratedLayer
from uhn.layers.functional import check_divides, dropout, present
from uhn.layers.initialization import ZERO_TARGET, draw_glorot, draw_uniform, glorot_target, uniform_target


class AttentionLayer(GeneratedLayer):
    """Activate, normalise, attend, map, drop out, add the input.

    Queries at padded positions are computed too; padded keys get no attention. Dropout acts on the attention
    probabilities and on the output, in training only.

    Deviation: the paper does not state how direct training initialises its models. The three projections
    start from a Glorot draw each, the output map from PyTorch's default for linear layers, all biases at
    zero, as the initialisation targets have it.

    Args:
        width: width d of a token.
        heads: attention heads.
        bias: whether there are biases; switched off, they keep their slots with length 0.
        activation: applied before the norm.
        norm: LayerNorm of the activated input, without parameters.
        shortcut: add the layer's input to the output.
        dropout: rate on the attention probabilities and on the output.
        initialization: default or zero.

    Shapes:
        input (batch, n, d), padding (batch, n) bool, true at padded positions -> (batch, n, d)

    Raises:
        UserError: heads that do not divide the width.
    """

    layer_type = LayerType.ATTENTION

    def __init__(
        self,
        width: int,
        heads: int,
        *,
        bias: bool = True,
        activation: Activation = IDENTITY,
        norm: bool = False,
        shortcut: bool = False,
        dropout: float = 0.0,
        initialization: InitializationType = InitializationType.DEFAULT,
    ) -> None:
        super().__init__()
        check_divides("attention", "heads", heads, width)
        self.width = width
        self.heads = heads
        self.activation = activation
        self.norm = norm
        self.shortcut = shortcut
        self.dropout = dropout
        self.initialization = initialization
        bias_size = width if bias else 0
        for name in ("q_weight", "k_weight", "v_weight"):
            self.register_parameter(name, nn.Parameter(torch.empty(width, width)))
        for name in ("q_bias", "k_bias", "v_bias"):
            self.register_parameter(name, nn.Parameter(torch.empty(bias_size)))
        self.out_weight = nn.Parameter(torch.empty(width, width))
        self.out_bias = nn.Parameter(torch.empty(bias_size))
        self.reset_parameters()

    def draw_parameters(self) -> None:
        """Draw the weights; the biases start at zero."""
        for weight in (self.q_weight, self.k_weight, self.v_weight):
            draw_glorot(weight, self.width, self.width)
        draw_uniform(self.out_weight, self.width)

    def components(self) -> tuple[Component, ...]:
        """Return the three projections' weights, their biases, then the output map's weight and bias."""
        weight, bias = (IndexField.OUT_IDX, IndexField.IN_IDX), (IndexField.OUT_IDX,)
        glorot = glorot_target(self.width, self.width)
        return self.number_components(
            *((name, weight, glorot) for name in ("q_weight", "k_weight", "v_weight")),
            *((name, bias, ZERO_TARGET) for name in ("q_bias", "k_bias", "v_bias")),
            ("out_weight", weight, uniform_target(self.width)),
            ("out_bias", bias, ZERO_TARGET),
        )

    def structure(self) -> dict[str, int]:
        """Return width and heads."""
        return {"output_size": self.width, "input_size": self.width, "num_heads": self.heads}

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        hidden = self.activated(x)
        attended = F.scaled_dot_product_attention(
            self._project(hidden, self.q_weight, self.q_bias),
            self._project(hidden, self.k_weight, self.k_bias),
            self._project(hidden, self.v_weight, self.v_bias),
            attn_mask=None if padding is None else ~padding[:, None, None, :],  # (batch, 1, 1, n), true = attend
            dropout_p=self.dropout if self.training else 0.0,
        )  # (batch, heads, n, d / heads)
        merged = attended.transpose(1, 2).flatten(2)  # (batch, n, d)
        y = dropout(F.linear(merged, self.out_weight, present(self.out_bias)), self.dropout, self.training)
        return y + x if self.shortcut else y

    def _project(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Map tokens and split heads. Shape (batch, n, d) -> (batch, heads, n, d / heads)."""
        y = F.linear(x, weight, present(bias))
        return y.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (batch, n, heads, d / heads) transposed
