"""`Gates` over a sequence, with a hand-written backward pass.

The same function as `Gates` in fewer operations: nothing is recorded by autograd, LN's gains and shifts get their
gradients summed over steps, and a step's intermediate results are kept in one tuple.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
_tanh_backward_into = torch.ops.aten.tanh_backward.grad_input
_tanh_backward = torch.ops.aten.tanh_backward.default
_layer_norm_backward = torch.ops.aten.native_layer_norm_backward.default


class Norm(NamedTuple):
    """Layer normalisation of gates and cell.

    Args:
        gain, offset: of the gates; the offset is the shift plus the forget bias.
        cell_gain, cell_shift: of the cell.

    Shapes:
        gates (4, units), cell (units,)
    """

    gain: Tensor
    offset: Tensor
    cell_gain: Tensor
    cell_shift: Tensor


class GateTape:
    """Steps forward, then backward in reverse order.

    Args:
        norm: layer normalisation. None for none; the forget bias must then be in the pre-activations already.
        epsilon: added to LN's variance.
        masks: recurrent dropout of every step, or None.
        keep: whether a backward pass will follow.

    Shapes:
        masks (steps, batch, units)
    """

    def __init__(self, norm: Norm | None, epsilon: float, masks: Tensor | None, *, keep: bool) -> None:
        self.norm = norm
        self.epsilon = epsilon
        self.masks = None if masks is None else masks.unbind(0)
        self.keep = keep
        self.steps: list[tuple] = []
        self._d_norm: list[Tensor] | None = None

    def forward(self, t: int, a: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Do step t.

        Shapes:
            a (batch, 4, units), c (batch, units) -> h, c (batch, units)
        """
        units = a.shape[2:]
        gate_norm = cell_norm = None
        y = a
        if self.norm is not None:
            gate_norm = torch.native_layer_norm(a, units, None, None, self.epsilon)
            y = torch.addcmul(self.norm.offset, gate_norm[0], self.norm.gain)
        ifo = y.narrow(1, 0, 3).sigmoid()
        i, f, o = ifo.unbind(1)
        g = y.select(1, 3).tanh()
        candidate = g if self.masks is None else g * self.masks[t]
        new_c = torch.addcmul(f * c, i, candidate)
        shown = new_c
        if self.norm is not None:
            weights = (self.norm.cell_gain, self.norm.cell_shift)
            cell_norm = torch.native_layer_norm(new_c, units, *weights, self.epsilon)
            shown = cell_norm[0]
        shown = shown.tanh()
        if self.keep:
            self.steps.append((a, gate_norm, ifo, g, candidate, c, new_c, cell_norm, shown))
        return o * shown, new_c

    def backward(self, t: int, d_h: Tensor, d_c: Tensor) -> tuple[Tensor, Tensor]:
        """Go back through step t, the last one that is left, and add up the gradients of LN.

        Shapes:
            d_h, d_c (batch, units) -> d_a (batch, 4, units), d_c of the step before (batch, units)
        """
        a, gate_norm, ifo, g, candidate, c, new_c, cell_norm, shown = self.steps.pop()
        i, f, o = ifo.unbind(1)
        d_shown = _tanh_backward(d_h * o, shown)
        if self.norm is not None:
            d_shown = self._cell_norm_backward(d_shown, new_c, *cell_norm[1:])
        d_c = d_c + d_shown

        d_y = torch.empty_like(a)
        d_i, d_f, d_o, d_g = d_y.unbind(1)
        torch.mul(d_c, candidate, out=d_i)
        torch.mul(d_c, c, out=d_f)
        torch.mul(d_h, shown, out=d_o)
        d_ifo = d_y.narrow(1, 0, 3)
        _sigmoid_backward(d_ifo, ifo, grad_input=d_ifo)
        d_candidate = d_c * i if self.masks is None else d_c * i * self.masks[t]
        _tanh_backward_into(d_candidate, g, grad_input=d_g)
        d_a = d_y if self.norm is None else self._gate_norm_backward(d_y, a, *gate_norm)
        return d_a, d_c * f

    def norm_gradients(self) -> Norm | None:
        """Return the gradients of LN, after the last step back."""
        if self._d_norm is None:
            return None
        d_gain, d_offset, d_cell_gain, d_cell_shift = self._d_norm
        return Norm(d_gain.sum(0), d_offset.sum(0), d_cell_gain.clone(), d_cell_shift.clone())

    def _gate_norm_backward(self, d_y: Tensor, a: Tensor, standard: Tensor, mean: Tensor, rstd: Tensor) -> Tensor:
        d_gain, d_offset = self._d_norm[:2]
        d_gain.addcmul_(d_y, standard)
        d_offset.add_(d_y)
        d_y.mul_(self.norm.gain)
        return _layer_norm_backward(d_y, a, a.shape[2:], mean, rstd, None, None, [True, False, False])[0]

    def _cell_norm_backward(self, d_shown: Tensor, c: Tensor, mean: Tensor, rstd: Tensor) -> Tensor:
        weights = (self.norm.cell_gain, self.norm.cell_shift)
        d_c, *d_weights = _layer_norm_backward(d_shown, c, c.shape[1:], mean, rstd, *weights, [True, True, True])
        if self._d_norm is None:
            per_row = (c.shape[0], *self.norm.gain.shape)  # rows are summed once, at the end
            self._d_norm = [c.new_zeros(per_row), c.new_zeros(per_row), *d_weights]
        else:
            self._d_norm[2].add_(d_weights[0])
            self._d_norm[3].add_(d_weights[1])
        return d_c
