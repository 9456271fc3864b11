"""Structured evaluation: a type-1 non-uniform Fourier transform by gridding and pruned transforms.

Deviation: the release multiplies features; on a CPU the first layer comes out of this evaluation, to a relative error
of 1e-5 (``generation.tolerance``).
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from uhn.hypernetworks.evaluation.gridding import AxisGridding, grid_axis, wrap
from uhn.hypernetworks.evaluation.phases import GridPhases, phase_table, rows_of


@dataclass(frozen=True)
class SparseProduct:
    """A sparse matrix in compressed rows, applied by ``embedding_bag``, the fastest such product on a CPU."""

    columns: Tensor
    starts: Tensor
    values: Tensor

    def __call__(self, dense: Tensor) -> Tensor:
        """Multiply. Shapes: dense (columns, d) -> (rows, d)."""
        return F.embedding_bag(
            self.columns, dense, self.starts, mode="sum", per_sample_weights=self.values, include_last_offset=True
        )

    @classmethod
    def from_coordinates(cls, rows: Tensor, columns: Tensor, values: Tensor, num_rows: int) -> SparseProduct:
        """Sort coordinate entries by row."""
        order = torch.argsort(rows, stable=True)
        counts = torch.bincount(rows, minlength=num_rows)
        starts = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return cls(columns[order].int(), starts.int(), values[order])


def transform_macs(extents: tuple[int, int], bins: tuple[int, int]) -> int:
    """Count the multiply-adds per hidden unit of a plane's two matrix products."""
    (n1, n2), (k1, k2) = extents, bins
    return 4 * n1 * k1 * k2 + 2 * n1 * n2 * k2


class GriddedPlane:
    """The gridding of two axes. It depends on their extents and frequencies only, so components share it.

    The output is a real part, so a frequency may be negated together with conjugating its coefficient. Making the
    frequencies of the second axis non-negative in this way halves its band.

    Args:
        steps: radians per step of the two axes.
        extents: their lengths.
        oversampling, width: accuracy of the gridding.
        dtype, device: of the weight.

    Shapes:
        steps two (F,), float64
    """

    def __init__(
        self,
        steps: tuple[Tensor, Tensor],
        extents: tuple[int, int],
        oversampling: float,
        width: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        wrapped = [wrap(step) for step in steps]
        self.flip = torch.where(wrapped[1] < 0, -1.0, 1.0).double()
        # The base phase moves to the middle of both axes, where the taps are real.
        self.shift = sum(w * (n - 1) / 2 for w, n in zip(wrapped, extents, strict=True))
        first, second = (
            grid_axis(w * self.flip, n, oversampling, width) for w, n in zip(wrapped, extents, strict=True)
        )
        self.extents = extents
        self.bins = (first.bins, second.bins)
        self.error = (first.error**2 + second.error**2) ** 0.5
        self.spread, self.gather = (m for m in _spread_matrices(first, second, dtype, device))
        stage1 = torch.stack(
            [torch.stack([first.cos, -first.sin], -1), torch.stack([first.sin, first.cos], -1)], dim=1
        )  # (n1, re/im out, bins1, re/im in)
        self.stage1 = stage1.flatten(0, 1).flatten(1).to(device, dtype)
        self.stage2 = torch.cat([second.cos, -second.sin], dim=1).to(device, dtype)  # (n2, re/im, bins2)

    def take(self, axis: int, coordinates: Tensor) -> GriddedPlane:
        """Keep some points of one of the two axes."""
        restricted = copy(self)
        if axis == 0:
            restricted.stage1 = self.stage1[rows_of(coordinates, 2)]
            restricted.extents = (len(coordinates), self.extents[1])
        else:
            restricted.stage2 = self.stage2[coordinates]
            restricted.extents = (self.extents[0], len(coordinates))
        return restricted

    @property
    def macs(self) -> tuple[int, int]:
        """Multiply-adds per hidden unit of the matrix products and of the spreading."""
        return transform_macs(self.extents, self.bins), len(self.spread.values)

    def transform(self, coefficients: Tensor, out: Tensor) -> None:
        """Coefficients (2 F, d; real, then imaginary parts) -> values (n1, n2, d)."""
        d = coefficients.shape[1]
        gridded = self.spread(coefficients).view(2 * self.bins[0], self.bins[1] * d)
        rows = self.stage1.mm(gridded).view(self.extents[0], 2 * self.bins[1], d)
        torch.matmul(self.stage2, rows, out=out)

    def adjoint(self, grad: Tensor) -> Tensor:
        """Gradient of the values (n1, n2, d) -> gradient of the coefficients (2 F, d)."""
        d = grad.shape[2]
        rows = torch.matmul(self.stage2.T, grad).view(2 * self.extents[0], self.bins[1] * d)
        return self.gather(self.stage1.T.mm(rows).view(-1, d))


def _spread_matrices(
    first: AxisGridding, second: AxisGridding, dtype: torch.dtype, device: torch.device
) -> tuple[SparseProduct, SparseProduct]:
    """Return the spreading matrix, with rows (bin1, re/im, bin2) and columns (re/im, frequency), and its transpose."""
    count, width = first.taps.shape
    bin1 = first.first_bin[:, None, None] + torch.arange(width)[:, None]
    bin2 = second.first_bin[:, None, None] + torch.arange(width)
    values = first.taps[:, :, None] * second.taps[:, None, :]  # (F, w, w)
    component = torch.arange(2)[:, None, None, None]  # real, imaginary
    rows = ((bin1 * 2 + component) * second.bins + bin2).expand(2, count, width, width).flatten()
    columns = (component * count + torch.arange(count)[:, None, None]).expand(2, count, width, width).flatten()
    values = values.expand(2, count, width, width).flatten()
    num_rows = first.bins * 2 * second.bins
    matrices = (
        SparseProduct.from_coordinates(rows, columns, values, num_rows),
        SparseProduct.from_coordinates(columns, rows, values, 2 * count),
    )
    return tuple(SparseProduct(m.columns.to(device), m.starts.to(device), m.values.to(device, dtype)) for m in matrices)


class StructuredOperator:
    """One component through a gridded plane. Each point of its remaining axes is a slice, a rotation of the weight.

    Rows come out in the order (slices, first plane axis, second plane axis).

    Args:
        phases: the component's grid.
        plane_axes: positions of the two gridded axes.
        plane: their gridding.
        dtype, device: of the weight.
    """

    def __init__(
        self,
        phases: GridPhases,
        plane_axes: tuple[int, int],
        plane: GriddedPlane,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.plane = plane
        self.rows = phases.rows
        self.features = 2 * len(phases.base)
        self.dtype = dtype
        slice_axes = [axis for axis in range(len(phases.extents)) if axis not in plane_axes]
        angles = phase_table(
            phases.base + plane.shift,
            tuple(phases.steps[axis] for axis in slice_axes),
            tuple(phases.extents[axis] for axis in slice_axes),
        )  # (slices, F)
        self.cos = angles.cos().to(device, dtype).unsqueeze(-1)
        self.sin = angles.sin().to(device, dtype).unsqueeze(-1)
        self.flipped_cos = (angles.cos() * plane.flip).to(device, dtype).unsqueeze(-1)
        self.flipped_sin = (angles.sin() * plane.flip).to(device, dtype).unsqueeze(-1)
        self.extents = phases.extents
        self.axis_order = (*slice_axes, *plane_axes)

    @property
    def nbytes(self) -> int:
        """Bytes of the rotations; the plane is shared."""
        return 4 * self.cos.nbytes

    def forward(self, weight: Tensor, out: Tensor) -> None:
        """Write the rows, slice by slice: coefficients (C - iS) e^{i angle}, then the plane's transform."""
        f = self.features // 2
        of_cos, of_sin = weight[:f], weight[f:]
        coefficients = torch.empty_like(weight)
        values = out.view(len(self.cos), *self.plane.extents, weight.shape[1])
        for k in range(len(values)):
            torch.mul(of_cos, self.cos[k], out=coefficients[:f]).addcmul_(of_sin, self.sin[k])
            torch.mul(of_cos, self.flipped_sin[k], out=coefficients[f:]).addcmul_(of_sin, self.flipped_cos[k], value=-1)
            self.plane.transform(coefficients, values[k])

    def adjoint(self, grad: Tensor, out: Tensor) -> None:
        """Add the transposed map of ``grad`` to ``out``."""
        f = self.features // 2
        values = grad.view(len(self.cos), *self.plane.extents, grad.shape[1])
        for k in range(len(values)):
            coefficients = self.plane.adjoint(values[k])
            real, imaginary = coefficients[:f], coefficients[f:]
            out[:f].addcmul_(real, self.cos[k]).addcmul_(imaginary, self.flipped_sin[k])
            out[f:].addcmul_(real, self.sin[k]).addcmul_(imaginary, self.flipped_cos[k], value=-1)

    def split(self, rows: int) -> list[StructuredOperator]:
        """Cut between slices."""
        count = max(rows // max(math.prod(self.plane.extents), 1), 1)
        return [self._slices(slice(start, start + count)) for start in range(0, len(self.cos), count)]

    def take(self, coordinates: Tensor) -> StructuredOperator:
        """Keep some coordinates of the component's first axis."""
        order = self.axis_order.index(0)
        num_slice_axes = len(self.axis_order) - 2
        if order < num_slice_axes:
            restricted = self._slices(rows_of(coordinates, len(self.cos) // self.extents[0]))
        else:
            restricted = copy(self)
            restricted.plane = self.plane.take(order - num_slice_axes, coordinates)
        restricted.extents = (len(coordinates), *self.extents[1:])
        restricted.rows = math.prod(restricted.extents)
        return restricted

    def tensor_order(self) -> Tensor:
        """Return the row of each scalar, in row-major order of the tensor."""
        rows = torch.arange(self.rows, device=self.cos.device).view([self.extents[axis] for axis in self.axis_order])
        return rows.permute([self.axis_order.index(axis) for axis in range(len(self.extents))]).flatten()

    def _slices(self, chosen: slice | Tensor) -> StructuredOperator:
        restricted = copy(self)
        for name in ("cos", "sin", "flipped_cos", "flipped_sin"):
            setattr(restricted, name, getattr(self, name)[chosen])
        restricted.rows = math.prod(self.plane.extents) * len(restricted.cos)
        return restricted
