"""Convolution with pre-activation, group norm, stage-wise pooling and shortcut (paper, Table 8)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uhn.descriptors.index import IndexField
from uhn.descriptors.vocabulary import InitializationType, LayerType, StagePooling
from uhn.errors import UserError
from uhn.layers.activation import IDENTITY, Activation
from uhn.layers.base import Component, GeneratedLayer
from uhn.layers.functional import check_divides, check_shortcut, dropout, present
from uhn.layers.initialization import draw_uniform, uniform_target


class ConvLayer(GeneratedLayer):
    """Activate, normalise, pool, convolve with padding k // 2, drop out, add the input.

    Deviation: the paper does not state how direct training initialises its models. Kernel and bias start
    from PyTorch's default for convolutions, whose statistics are the initialisation targets.

    Args:
        in_channels, out_channels: widths.
        kernel_size: odd side of the square kernel.
        bias: whether there is a bias; switched off, it keeps its slot with length 0.
        activation: applied before the norm.
        group_num: groups of the GroupNorm of the activated input, without parameters; 0 for no norm.
        shortcut: add the layer's input to the output.
        dropout: rate on the output, before the shortcut.
        pooling: none, 2 x 2 average or maximum before the convolution, or a convolution of stride 2.
        initialization: default or zero.

    Shapes:
        input (batch, in, h, w) -> (batch, out, h, w), with h / 2, w / 2 where the layer pools

    Raises:
        UserError: an even kernel, groups that do not divide the input width, a shortcut between different shapes.
    """

    layer_type = LayerType.CONV2D

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        *,
        bias: bool = True,
        activation: Activation = IDENTITY,
        group_num: int = 0,
        shortcut: bool = False,
        dropout: float = 0.0,
        pooling: StagePooling = StagePooling.NONE,
        initialization: InitializationType = InitializationType.DEFAULT,
    ) -> None:
        super().__init__()
        if kernel_size % 2 == 0:
            raise UserError(f"convolution: expected an odd kernel size, got {kernel_size}")
        if group_num:
            check_divides("convolution's group norm", "groups", group_num, in_channels)
        if shortcut:
            check_shortcut("convolution", in_channels, out_channels, resized=pooling is not StagePooling.NONE)
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = kernel_size
        self.activation = activation
        self.group_num = group_num
        self.norm = group_num > 0
        self.shortcut = shortcut
        self.dropout = dropout
        self.pooling = pooling
        self.initialization = initialization
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.empty(out_channels if bias else 0))
        self.reset_parameters()

    @property
    def fan_in(self) -> int:
        """Number of inputs of one output value."""
        return self.in_channels * self.kernel_size**2

    def draw_parameters(self) -> None:
        """Draw the parameters that do not start at zero."""
        draw_uniform(self.weight, self.fan_in)
        draw_uniform(self.bias, self.fan_in)

    def components(self) -> tuple[Component, ...]:
        """Return kernel and bias."""
        uniform = uniform_target(self.fan_in)
        kernel = (IndexField.OUT_IDX, IndexField.IN_IDX, IndexField.KERNEL_H_IDX, IndexField.KERNEL_W_IDX)
        return self.number_components(("weight", kernel, uniform), ("bias", (IndexField.OUT_IDX,), uniform))

    def structure(self) -> dict[str, int]:
        """Return sizes, groups and pooling."""
        return {
            "output_size": self.out_channels,
            "input_size": self.in_channels,
            "group_num": self.group_num,
            "kernel_size": self.kernel_size,
            "stage_wise_pooling_type": self.pooling,
        }

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.activation(x)
        if self.group_num:
            hidden = F.group_norm(hidden, self.group_num)
        if self.pooling is StagePooling.AVERAGE:
            hidden = F.avg_pool2d(hidden, 2)
        elif self.pooling is StagePooling.MAX:
            hidden = F.max_pool2d(hidden, 2)
        stride = 2 if self.pooling is StagePooling.STRIDED else 1
        y = F.conv2d(hidden, self.weight, present(self.bias), stride=stride, padding=self.kernel_size // 2)
        y = dropout(y, self.dropout, self.training)
        return y + x if self.shortcut else y
