"""Multi-head self-attention (Vaswani et al. 2017; paper, Table 8) with pre-activation, norm and shortcut."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uhn.descriptors.index import Axis, IndexField
from uhn.descriptors.structure import LayerDescriptor
from uhn.descriptors.vocabulary import InitializationType, LayerType
from uhn.layers.activation import IDENTITY, Activation
from uhn.layers.base import Component, GeneratedLayer
from uhn.layers.functional import check_divides, dropout, layer_norm, present
from uhn.layers.initialization import (
    ZERO_TARGET,
    draw_glorot,
    draw_uniform,
    glorot_target,
    uniform_target,
    zero_parameters,
)


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

    def reset_parameters(self) -> None:
        """Draw the parameters that direct training starts from."""
        zero_parameters(self)
        if self.initialization is InitializationType.DEFAULT:
            for weight in (self.q_weight, self.k_weight, self.v_weight):
                draw_glorot(weight, self.width, self.width)
            draw_uniform(self.out_weight, self.width)

    def components(self) -> tuple[Component, ...]:
        """Return the three projections' weights, their biases, then the output map's weight and bias."""
        weight_axes = (Axis(IndexField.OUT_IDX, self.width), Axis(IndexField.IN_IDX, self.width))
        bias_axes = (Axis(IndexField.OUT_IDX, self.out_bias.numel()),)
        glorot = glorot_target(self.width, self.width)
        return self.number_components(
            ("q_weight", weight_axes, glorot),
            ("k_weight", weight_axes, glorot),
            ("v_weight", weight_axes, glorot),
            ("q_bias", bias_axes, ZERO_TARGET),
            ("k_bias", bias_axes, ZERO_TARGET),
            ("v_bias", bias_axes, ZERO_TARGET),
            ("out_weight", weight_axes, uniform_target(self.width)),
            ("out_bias", bias_axes, ZERO_TARGET),
        )

    def describe(self, layer_idx: int) -> LayerDescriptor:
        """Return the layer's structure row."""
        return LayerDescriptor(
            layer_idx=layer_idx,
            layer_type=self.layer_type,
            bias_type=int(self.out_bias.numel() > 0),
            norm_type=int(self.norm),
            shortcut_type=int(self.shortcut),
            output_size=self.width,
            input_size=self.width,
            activation_type=self.activation.kind,
            activation_param=self.activation.param,
            dropout_rate=self.dropout,
            num_heads=self.heads,
            initialization_type=self.initialization,
        )

    def forward(self, x: Tensor, padding: Tensor | None = None) -> Tensor:
        hidden = self.activation(x)
        if self.norm:
            hidden = layer_norm(hidden)
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

    def extra_repr(self) -> str:
        return f"{self.width}, heads={self.heads}, norm={self.norm}, shortcut={self.shortcut}"
