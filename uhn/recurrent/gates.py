"""What all cells share: from the gates' pre-activations to the next state."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# The order of the gates in every tensor. The three sigmoids come first: one call squashes them all.
GATES = ("i", "f", "o", "g")


class Gates(nn.Module):
    r"""Normalise the gates, update the cell, put out.

    .. math::
        y_t &= \mathrm{LN}(a^y_t), \qquad y \in \{i, g, f, o\} \\
        c_t &= \sigma(f_t + \beta) \odot c_{t-1} + \sigma(i_t) \odot \mathrm{DropOut}(\phi(g_t)) \\
        h_t &= \sigma(o_t) \odot \phi(\mathrm{LN}(c_t))

    with phi = tanh (eqs. 8 and 13, A.2.3). LN runs over the units of one gate and has a gain and a shift for each
    unit of each gate; without layer normalisation it is the identity. The c that goes on to the next step is not
    normalised. Dropout acts on the candidate alone, so a cell never forgets by it (Semeniuta, Severyn, Barth 2016).

    Deviation: the paper states neither a forget bias nor LN's epsilon, and LN's gains and shifts show in its parameter
    counts alone. All are as in its author's code: beta is added behind LN, where LN cannot take it away.

    Args:
        units: size of a gate.
        layer_norm: whether LN is there.
        forget_bias: beta.
        epsilon: added to LN's variance.

    Shapes:
        pre-activations (batch, 4, units) in the order of `GATES`, c (batch, units), mask (batch, units) or None
        -> h, c (batch, units)
    """

    def __init__(self, units: int, *, layer_norm: bool, forget_bias: float, epsilon: float) -> None:
        super().__init__()
        self.units = units
        self.layer_norm = layer_norm
        self.forget_bias = forget_bias
        self.epsilon = epsilon
        forget = torch.zeros(4, 1)
        forget[GATES.index("f")] = forget_bias
        self.register_buffer("forget", forget, persistent=False)
        starts = {"gain": torch.ones(4, units), "shift": torch.zeros(4, units)}
        starts |= {"cell_gain": torch.ones(units), "cell_shift": torch.zeros(units)}
        for name, start in starts.items():
            self.register_parameter(name, nn.Parameter(start) if layer_norm else None)

    def forward(self, a: Tensor, c: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
        if self.layer_norm:
            a = F.layer_norm(a, (self.units,), eps=self.epsilon) * self.gain + self.shift
        i, f, o, g = (a + self.forget).unbind(-2)
        candidate = g.tanh() if mask is None else g.tanh() * mask
        c = f.sigmoid() * c + i.sigmoid() * candidate
        shown = F.layer_norm(c, (self.units,), self.cell_gain, self.cell_shift, self.epsilon) if self.layer_norm else c
        return o.sigmoid() * shown.tanh(), c

    def extra_repr(self) -> str:
        return f"{self.units}, layer_norm={self.layer_norm}, forget_bias={self.forget_bias}, epsilon={self.epsilon}"
