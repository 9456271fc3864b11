"""The separable evaluation: features of some axes are kept, the other axes rotate the weight."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy

import torch
from torch import Tensor

from uhn.hypernetworks.evaluation.phases import GridPhases, phase_table, rows_of
from uhn.hypernetworks.evaluation.policy import rotations_at_once


def rotate(weight: Tensor, cos: Tensor, sin: Tensor, out: Tensor) -> None:
    """Turn the weight of phase p into the weight of phase p + angle.

    Shapes:
        weight (..., 2 F, d), cos and sin of the angles (angles, F, 1), out (angles, 2 F, d)
    """
    (of_cos, of_sin), (out_cos, out_sin) = weight.chunk(2, dim=-2), out.chunk(2, dim=1)
    torch.mul(of_cos, cos, out=out_cos).addcmul_(of_sin, sin)
    torch.mul(of_sin, cos, out=out_sin).addcmul_(of_cos, sin, value=-1)


def _batched_product(a: Tensor, b: Tensor, out: Tensor) -> None:
    """Write ``a @ b`` of a matrix and a batch of matrices, which may be of a narrower type than ``out``."""
    a = a.expand(len(b), -1, -1)
    if out.dtype == b.dtype:
        torch.bmm(a, b, out=out)
    else:
        out.copy_(a @ b)


class SeparableOperator:
    r"""Exact dense products without an N x 2F matrix.

    ``cos(a + b) C + sin(a + b) S = cos b (C cos a + S sin a) + sin b (S cos a - C sin a)``: for every outer
    coordinate the weight is rotated by its phase a, then multiplied by the feature table of the inner axes.

    Args:
        phases: the grid.
        outer: positions of the axes that rotate the weight, in order.
        inner: features of the other axes alone, from phase 0. Products with the rotated weights have their type.
        dtype: of the weight.

    Shapes:
        inner (inner rows, 2 F)
    """

    def __init__(self, phases: GridPhases, outer: tuple[int, ...], inner: Tensor, dtype: torch.dtype) -> None:
        extents = tuple(phases.extents[axis] for axis in outer)
        angles = phase_table(phases.base, tuple(phases.steps[axis] for axis in outer), extents)
        self.inner = inner
        self.cos = angles.cos().to(inner.device, dtype).unsqueeze(-1)  # (outer rows, F, 1)
        self.sin = angles.sin().to(inner.device, dtype).unsqueeze(-1)
        self.axes = outer + tuple(axis for axis in range(len(phases.extents)) if axis not in outer)
        self.extents = phases.extents
        self.features = self.inner.shape[1]
        self.dtype = inner.dtype

    @property
    def rows(self) -> int:
        """Number of grid points: outer times inner rows."""
        return len(self.cos) * len(self.inner)

    @property
    def nbytes(self) -> int:
        """Bytes of the rotations; the inner features are shared."""
        return self.cos.nbytes + self.sin.nbytes

    def forward(self, weight: Tensor, out: Tensor) -> None:
        """Write ``features @ weight``, some outer coordinates at a time."""
        count = rotations_at_once(weight.device.type, weight.nbytes)
        buffer = weight.new_empty(min(count, len(self.cos)), *weight.shape)
        for cos, sin, rows in self._batches(out, count):
            rotated = buffer[: len(cos)]
            rotate(weight, cos, sin, rotated)
            _batched_product(self.inner, rotated.to(self.dtype), rows)

    def adjoint(self, grad: Tensor, out: Tensor) -> None:
        """Add ``features.T @ grad``: the inner product, rotated back."""
        count = rotations_at_once(out.device.type, out.nbytes)
        products, buffer = out.new_empty(2, min(count, len(self.cos)), *out.shape)
        for cos, sin, rows in self._batches(grad, count):
            product, back = products[: len(cos)], buffer[: len(cos)]
            _batched_product(self.inner.T, rows.to(self.dtype), product)
            rotate(product, cos, -sin, back)
            out += back.sum(0)

    def _batches(self, rows: Tensor, count: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Cut cosines, sines and rows (outer rows, inner rows, d) into batches of so many outer coordinates."""
        by_outer = rows.unflatten(0, (len(self.cos), len(self.inner)))
        return zip(self.cos.split(count), self.sin.split(count), by_outer.split(count), strict=True)

    def split(self, rows: int) -> list[SeparableOperator]:
        """Cut between outer coordinates."""
        outer = max(rows // max(len(self.inner), 1), 1)  # an empty batch reads no inner rows
        return [
            self._with(cos=cos, sin=sin) for cos, sin in zip(self.cos.split(outer), self.sin.split(outer), strict=True)
        ]

    def take(self, coordinates: Tensor) -> SeparableOperator:
        """Keep some coordinates of the component's first axis, the slowest of the outer or of the inner ones."""
        extents = (len(coordinates), *self.extents[1:])
        if self.axes[0] == 0:
            rows = rows_of(coordinates, len(self.cos) // self.extents[0])
            return self._with(extents=extents, cos=self.cos[rows], sin=self.sin[rows])
        rows = rows_of(coordinates, len(self.inner) // self.extents[0])
        return self._with(extents=extents, inner=self.inner[rows])

    def tensor_order(self) -> Tensor:
        """Return the row of each scalar in tensor order; rows come outer axes first."""
        rows = torch.arange(self.rows, device=self.inner.device).view([self.extents[axis] for axis in self.axes])
        return rows.permute([self.axes.index(axis) for axis in range(len(self.axes))]).flatten()

    def _with(self, **changes: object) -> SeparableOperator:
        """Return a copy with some attributes replaced."""
        changed = copy(self)
        vars(changed).update(changes)
        return changed
