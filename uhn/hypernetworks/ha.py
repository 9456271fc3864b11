"""The HA baseline: a static hypernetwork for convolution kernels (Ha et al. 2017; paper, Table 2)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from uhn.configuration.generators import HAConfig
from uhn.errors import UserError
from uhn.hypernetworks.generator import Generator
from uhn.layers.conv import ConvLayer
from uhn.layers.initialization import draw_uniform
from uhn.models.base import TargetModel


class HA(Generator):
    r"""Generate every convolution kernel but the first in square blocks of channels, one embedding each.

    .. math:: a_i = W_i z + b_i,\qquad K_i = V a_i + c

    for input channel i of a block with embedding z; W_i and b_i belong to the channel, V and c are shared.

    Deviation: the paper gives the parameter counts alone. The sizes are the only ones found that give all four.
    The first layer runs over a block's input channels and the second over its output channels, as in Ha et al.
    What HA does not generate (first kernel, convolution biases, classifier) is trained directly, from the target's
    own parameters. N(0, 1) embeddings are our choice; weights start from PyTorch's defaults.

    Args:
        target: the model, whose parameters initialise those trained directly; other targets are refused.
        config: sizes.

    Raises:
        UserError: no convolution to generate, or one whose widths are not multiples of the block.
    """

    def __init__(self, target: TargetModel, config: HAConfig) -> None:
        super().__init__()
        self.target_name = target.name
        self.block_size = config.block_size
        convs = [(f"{prefix}.weight", layer) for prefix, layer in target.layers if isinstance(layer, ConvLayer)][1:]
        _check_blocks(target.name, convs, config.block_size)
        self.kernel_size = convs[0][1].kernel_size
        # Name of a kernel -> blocks along output and input channels.
        self.kernels = {
            name: (conv.out_channels // config.block_size, conv.in_channels // config.block_size)
            for name, conv in convs
        }
        num_blocks = sum(rows * columns for rows, columns in self.kernels.values())
        self.embeddings = nn.Parameter(torch.randn(num_blocks, config.embedding_dim))
        self.channel_weight = nn.Parameter(torch.empty(config.block_size, config.embedding_dim, config.hidden_dim))
        self.channel_bias = nn.Parameter(torch.empty(config.block_size, config.hidden_dim))
        draw_uniform(self.channel_weight, config.embedding_dim)
        draw_uniform(self.channel_bias, config.embedding_dim)
        self.readout = nn.Linear(config.hidden_dim, config.block_size * self.kernel_size**2)
        direct = {name: value for name, value in target.named_parameters() if name not in self.kernels}
        self.direct_names = tuple(direct)
        self.direct = nn.ParameterList(value.detach().clone() for value in direct.values())

    def forward(self, target: TargetModel, rows: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Generate all kernels and hand out the parameters trained directly."""
        if target.name != self.target_name:
            raise ValueError(f"HA generator: holds the embeddings of {self.target_name}, not of {target.name}")
        hidden = torch.einsum("nz,izh->nih", self.embeddings, self.channel_weight) + self.channel_bias
        size, side = self.block_size, self.kernel_size
        blocks = self.readout(hidden).view(-1, size, size, side, side)  # (blocks, in, out, k, k)
        weights = dict(zip(self.direct_names, self.direct, strict=True))
        pieces = blocks.split([rows * columns for rows, columns in self.kernels.values()])
        for (name, (rows, columns)), piece in zip(self.kernels.items(), pieces, strict=True):
            grid = piece.view(rows, columns, size, size, side, side).permute(0, 3, 1, 2, 4, 5)
            weights[name] = grid.reshape(rows * size, columns * size, side, side)  # (out, in, k, k)
        return weights


def _check_blocks(target_name: str, convs: list[tuple[str, ConvLayer]], block_size: int) -> None:
    """Refuse a target whose kernels do not divide into blocks of one size."""
    if not convs:
        raise UserError(f"HA generator: expected a CNN with at least two convolutions, got {target_name}")
    for name, conv in convs:
        if conv.in_channels % block_size or conv.out_channels % block_size:
            raise UserError(
                f"HA generator: expected channels that are multiples of {block_size}, got {conv.in_channels} -> "
                f"{conv.out_channels} in {name} of {target_name}"
            )
        if conv.kernel_size != convs[0][1].kernel_size:
            raise UserError(f"HA generator: expected one kernel size throughout {target_name}, {name} differs")
