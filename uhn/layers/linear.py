"""Linear layer with input pooling, pre-activation, norm and shortcut (paper, Table 8)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uhn.descriptors.index import IndexField
from uhn.descriptors.vocabulary import InitializationType, InputPooling, LayerType
from uhn.layers.activation import IDENTITY, Activation
from uhn.layers.base import Component, GeneratedLayer
from uhn.layers.functional import check_shortcut, dropout, present
from uhn.layers.initialization import draw_uniform, uniform_target


def pool_input(x: Tensor, pooling: InputPooling) -> Tensor:
    """Bring an input to the shape that a linear layer works on.

    Shapes:
        global average and max (batch, channels, h, w) -> (batch, channels); flatten (batch, ...) -> (batch, in);
        mean over the sequence and first token (batch, n, in) -> (batch, in); none keeps the shape
    """
    match pooling:
        case InputPooling.NONE:
            return x
        case InputPooling.GLOBAL_AVERAGE:
            return x.mean(dim=(2, 3))
        case InputPooling.GLOBAL_MAX:
            return F.adaptive_max_pool2d(x, 1).flatten(1)  # (batch, channels)
        case InputPooling.FLATTEN:
            return x.flatten(1)  # (batch, in)
        case InputPooling.SEQUENCE_MEAN:
            return x.mean(dim=1)
        case InputPooling.FIRST_TOKEN:
            return x[:, 0]


class LinearLayer(GeneratedLayer):
    """Pool, activate, normalise, map, drop out, add the pooled input.

    Deviation: the paper does not state how direct training initialises its models. Weight and bias start
    from PyTorch's default for linear layers, whose statistics are the initialisation targets.

    Args:
        in_features, out_features: widths.
        bias: whether there is a bias; switched off, it keeps its slot with length 0.
        activation: applied before the norm.
        norm: LayerNorm of the activated input, without parameters.
        shortcut: add the pooled input to the output.
        dropout: rate on the output, before the shortcut.
        pooling: what happens to the input first.
        initialization: default or zero.

    Shapes:
        input as :func:`pool_input` -> (..., out_features)

    Raises:
        UserError: a shortcut between different widths.
    """

    layer_type = LayerType.LINEAR

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        activation: Activation = IDENTITY,
        norm: bool = False,
        shortcut: bool = False,
        dropout: float = 0.0,
        pooling: InputPooling = InputPooling.NONE,
        initialization: InitializationType = InitializationType.DEFAULT,
    ) -> None:
        super().__init__()
        if shortcut:
            check_shortcut("linear layer", in_features, out_features)
        self.in_features = in_features
        self.out_features = out_features
        self.activation = activation
        self.norm = norm
        self.shortcut = shortcut
        self.dropout = dropout
        self.pooling = pooling
        self.initialization = initialization
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features if bias else 0))
        self.reset_parameters()

    def draw_parameters(self) -> None:
        """Draw the parameters that do not start at zero."""
        draw_uniform(self.weight, self.in_features)
        draw_uniform(self.bias, self.in_features)

    def components(self) -> tuple[Component, ...]:
        """Return weight and bias."""
        uniform = uniform_target(self.in_features)
        return self.number_components(
            ("weight", (IndexField.OUT_IDX, IndexField.IN_IDX), uniform), ("bias", (IndexField.OUT_IDX,), uniform)
        )

    def structure(self) -> dict[str, int]:
        """Return sizes and pooling."""
        return {
            "output_size": self.out_features,
            "input_size": self.in_features,
            "input_pooling_reshape_type": self.pooling,
        }

    def forward(self, x: Tensor) -> Tensor:
        x = pool_input(x, self.pooling)
        y = dropout(F.linear(self.activated(x), self.weight, present(self.bias)), self.dropout, self.training)
        return y + x if self.shortcut else y
