"""Kolmogorov-Arnold layer with learnable B-spline grids (paper, Appendix on KAN targets; Liu et al. 2024)."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uhn.descriptors.index import IndexField
from uhn.descriptors.vocabulary import LayerType
from uhn.layers.activation import Activation
from uhn.layers.base import Component, GeneratedLayer, InitTarget
from uhn.layers.initialization import ZERO_TARGET, draw_uniform, uniform_target


def bspline_basis(x: Tensor, knots: Tensor, order: int) -> Tensor:
    """Evaluate all B-spline basis functions by the Cox-de Boor recursion.

    The order-0 functions are 1 on half-open intervals ``[t_m, t_{m+1})``; a term whose knot distance is
    zero counts as zero (the usual 0/0 = 0). Points outside the knots get 0; nothing is clamped.

    Args:
        x: points.
        knots: non-decreasing knots of every input.
        order: spline order k.

    Shapes:
        x (batch, in), knots (in, m + k + 1) -> (batch, in, m)
    """
    x = x.unsqueeze(-1)
    basis = ((x >= knots[:, :-1]) & (x < knots[:, 1:])).to(knots.dtype)  # (batch, in, m + k)
    for k in range(1, order + 1):
        distance = knots[:, k:] - knots[:, :-k]
        positive = distance > 0
        inverse = torch.where(positive, 1.0, 0.0) / torch.where(positive, distance, 1.0)  # (in, m + order + 1 - k)
        rising = (x - knots[:, : -(k + 1)]) * inverse[:, :-1]
        falling = (knots[:, k + 1 :] - x) * inverse[:, 1:]
        basis = rising * basis[..., :-1] + falling * basis[..., 1:]
    return basis


class KANLayer(GeneratedLayer):
    r"""A KAN layer: base map of the activated input plus scaled splines on learnable grids.

    .. math::
        y_o = \sum_i W_{oi}\,\phi(x_i) + b_o + \sum_i s_{oi} \sum_j S_{oij} B_{ij}(x_i)

    The grid of input i is ``lower_i + exp(length_i) * cumsum(softmax(knots_i))``; the cumulative sum does
    not start at zero, so the first knot lies one step above ``lower_i``.

    Deviation: the paper trains such models directly but does not say how their parameters start. They
    start from the distributions that the initialisation targets describe: uniform (Kaiming, a = sqrt 5)
    base weights and spline scales, normal spline weights of std 0.1, constants elsewhere.

    Args:
        in_features, out_features: widths.
        grid_size: grid intervals g.
        spline_order: order k of the splines.
        activation: phi, the base activation.

    Shapes:
        input (batch, in) -> output (batch, out)
    """

    layer_type = LayerType.KAN

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        grid_size: int,
        spline_order: int,
        activation: Activation,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.grid_size = grid_size
        self.spline_order = spline_order
        self.activation = activation
        num_basis = grid_size + spline_order
        num_knots = grid_size + 2 * spline_order + 1
        self.base_weight = nn.Parameter(torch.empty(out_features, in_features))
        self.base_bias = nn.Parameter(torch.empty(out_features))
        self.spline_weight = nn.Parameter(torch.empty(out_features, in_features, num_basis))
        self.spline_scale = nn.Parameter(torch.empty(out_features, in_features))
        self.grid_lower = nn.Parameter(torch.empty(in_features))
        self.grid_length = nn.Parameter(torch.empty(in_features))
        self.grid_knots = nn.Parameter(torch.empty(in_features, num_knots))
        self.reset_parameters()

    def draw_parameters(self) -> None:
        """Draw weights and scales and set the constants; biases and knots start at zero."""
        draw_uniform(self.base_weight, self.in_features)
        nn.init.normal_(self.spline_weight, std=0.1)
        draw_uniform(self.spline_scale, self.in_features)
        nn.init.constant_(self.grid_lower, -1.0)
        nn.init.constant_(self.grid_length, math.log(2.0))

    def components(self) -> tuple[Component, ...]:
        """Return base weight and bias, spline weight and scale, grid lower bound, length and knots."""
        out_idx, in_idx, grid_idx = IndexField.OUT_IDX, IndexField.IN_IDX, IndexField.GRID_IDX
        uniform = uniform_target(self.in_features)
        return self.number_components(
            ("base_weight", (out_idx, in_idx), uniform),
            ("base_bias", (out_idx,), ZERO_TARGET),
            ("spline_weight", (out_idx, in_idx, grid_idx), InitTarget(0.0, 0.1)),
            ("spline_scale", (out_idx, in_idx), uniform),
            ("grid_lower", (in_idx,), InitTarget(-1.0, 0.0)),
            ("grid_length", (in_idx,), InitTarget(math.log(2.0), 0.0)),
            ("grid_knots", (in_idx, grid_idx), ZERO_TARGET),
        )

    def structure(self) -> dict[str, int]:
        """Return sizes and grid."""
        return {
            "output_size": self.out_features,
            "input_size": self.in_features,
            "grid_size": self.grid_size,
            "spline_order": self.spline_order,
        }

    def grid(self) -> Tensor:
        """Return the knots of every input. Shape (in, g + 2k + 1)."""
        steps = torch.softmax(self.grid_knots, dim=-1).cumsum(dim=-1)
        return self.grid_lower.unsqueeze(-1) + self.grid_length.exp().unsqueeze(-1) * steps

    def forward(self, x: Tensor) -> Tensor:
        basis = bspline_basis(x, self.grid(), self.spline_order)  # (batch, in, g + k)
        spline_weight = self.spline_scale.unsqueeze(-1) * self.spline_weight  # (out, in, g + k)
        spline = basis.flatten(1) @ spline_weight.flatten(1).T
        return F.linear(self.activation(x), self.base_weight, self.base_bias) + spline
