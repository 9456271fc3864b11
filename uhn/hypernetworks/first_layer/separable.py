"""Features of the inner axes kept, the outer axes applied as rotations of the weight."""

from __future__ import annotations

from copy import copy

import torch
from torch import Tensor

from uhn.hypernetworks.first_layer.phases import GridPhases, features, phase_table, rows_of


def rotate(weight: Tensor, cos: Tensor, sin: Tensor, out: Tensor) -> None:
    """Turn the weight of phase p into the weight of phase p + angle.

    Shapes:
        weight and out (2 F, d), cos and sin of the angles (F, 1)
    """
    f = len(cos)
    of_cos, of_sin = weight[:f], weight[f:]
    torch.mul(of_cos, cos, out=out[:f]).addcmul_(of_sin, sin)
    torch.mul(of_sin, cos, out=out[f:]).addcmul_(of_cos, sin, value=-1)


class SeparableOperator:
    r"""Exact dense products without an N x 2F matrix.

    ``cos(a + b) C + sin(a + b) S = cos b (C cos a + S sin a) + sin b (S cos a - C sin a)``: for every outer
    coordinate the weight is rotated by its phase a, then multiplied by the feature table of the inner axes.

    Args:
        phases: the grid.
        outer: number of leading axes that are outer.
        dtype, device: of the weight.
    """

    def __init__(self, phases: GridPhases, outer: int, dtype: torch.dtype, device: torch.device) -> None:
        zero = torch.zeros_like(phases.base)
        inner = phase_table(zero, phases.steps[outer:], phases.extents[outer:])
        angles = phase_table(phases.base, phases.steps[:outer], phases.extents[:outer])
        self.inner = features(inner, dtype, device)  # (inner rows, 2 F)
        self.cos = angles.cos().to(device, dtype).unsqueeze(-1)  # (outer rows, F, 1)
        self.sin = angles.sin().to(device, dtype).unsqueeze(-1)
        self.extent = phases.extents[0]
        self.rows = phases.rows
        self.features = self.inner.shape[1]

    def forward(self, weight: Tensor, out: Tensor) -> None:
        """Write ``features @ weight``, outer coordinate by outer coordinate."""
        rotated = torch.empty_like(weight)
        for cos, sin, rows in zip(self.cos, self.sin, out.unflatten(0, (len(self.cos), len(self.inner))), strict=True):
            rotate(weight, cos, sin, rotated)
            torch.mm(self.inner, rotated, out=rows)

    def adjoint(self, grad: Tensor, out: Tensor) -> None:
        """Add ``features.T @ grad``: the inner product, rotated back."""
        product, back = torch.empty_like(out), torch.empty_like(out)
        for cos, sin, rows in zip(self.cos, self.sin, grad.unflatten(0, (len(self.cos), len(self.inner))), strict=True):
            torch.mm(self.inner.T, rows, out=product)
            rotate(product, cos, -sin, back)
            out += back

    def split(self, rows: int) -> list[SeparableOperator]:
        """Cut between outer coordinates."""
        outer = max(rows // len(self.inner), 1)
        parts = []
        for cos, sin in zip(self.cos.split(outer), self.sin.split(outer), strict=True):
            part = copy(self)
            part.cos, part.sin, part.rows = cos, sin, len(self.inner) * len(cos)
            parts.append(part)
        return parts

    def take(self, coordinates: Tensor) -> SeparableOperator:
        """Keep some coordinates of the component's first axis."""
        part = copy(self)
        outer = rows_of(coordinates, len(self.cos) // self.extent)
        part.cos, part.sin = self.cos[outer], self.sin[outer]
        part.extent, part.rows = len(coordinates), len(self.inner) * len(outer)
        return part

    def tensor_order(self) -> Tensor:
        """Return, for each scalar in tensor order, its row: they are in order."""
        return torch.arange(self.rows, device=self.inner.device)
