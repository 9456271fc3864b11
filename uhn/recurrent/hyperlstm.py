"""HyperLSTM: an LSTM whose rows are scaled by numbers that a smaller LSTM generates anew at every step."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uhn.recurrent.cell import Masks, RecurrentCell, State
from uhn.recurrent.config import RecurrentConfig
from uhn.recurrent.gates import Gates
from uhn.recurrent.inputs import OneHot, input_product
from uhn.recurrent.lstm import LSTMCell, draw_gates
from uhn.recurrent.recurrence import HyperWeights, hyperlstm_recurrence

# What the generated vectors of a gate act on, in the order of every tensor: W_h h, W_x x, and the bias.
ROLES = ("h", "x", "b")


class HyperLSTMCell(RecurrentCell):
    r"""A HyperLSTM cell, with layer normalisation if the configuration says so (eqs. 10 to 13).

    The hyper cell is an `LSTMCell` that sees the main cell's last h and its input; hats are its states:

    .. math::
        \hat{h}_t, \hat{c}_t &= \mathrm{LSTM}\big([h_{t-1}; x_t], \hat{h}_{t-1}, \hat{c}_{t-1}\big) \\
        z_h^y &= W_{\hat{h}h}^y \hat{h}_t + b_{\hat{h}h}^y, \quad
        z_x^y = W_{\hat{h}x}^y \hat{h}_t + b_{\hat{h}x}^y, \quad
        z_b^y = W_{\hat{h}b}^y \hat{h}_t \\
        d_h^y &= W_{hz}^y z_h^y, \quad d_x^y = W_{xz}^y z_x^y, \quad b^y = W_{bz}^y z_b^y + b_0^y \\
        a_t^y &= d_h^y \odot (W_h^y h_{t-1}) + d_x^y \odot (W_x^y x_t) + b^y, \qquad y \in \{i, g, f, o\}

    `Gates` continues from there. All nine maps have weights of their own for each gate.

    At first W_h, W_x and the hyper cell's weights are orthogonal; z_h = z_x = 1 by their biases, whose weights are
    zero; W_hz = W_xz = 0.1 / N_z, so every d is 0.1; W_hb is N(0, 0.01^2), W_bz and b_0 are zero (A.2.3). All N_z
    columns of W_hz, and of W_xz, are then equal, get equal gradients and stay equal: the rank of the map from h^ to
    the scales is 1 whatever N_z is. ``z_init_std`` breaks the symmetry; `effective_rank` measures it.

    Deviation: eq. 11 has z from the hyper cell's last state; we take the present one. Eq. 10 always normalises the
    hyper cell; we do so where the main cell is normalised, or with ``hyper_layer_norm``. Both as in the author's code.

    Args:
        inputs: size of x.
        config: all fields but layers, gate_bias, input_keep and output_keep are read.

    Shapes:
        x (batch, inputs) or one-hot (batch,), state h and c (batch, units), h^ and c^ (batch, hyper_units)
        -> the next h, c, h^ and c^
    """

    def __init__(self, inputs: int, config: RecurrentConfig) -> None:
        super().__init__()
        n, m, z = config.units, config.hyper_units, config.embedding_dim
        self.sizes = (n, m)
        self.keeps = (config.recurrent_keep, config.hyper_recurrent_keep)
        self.weight_h = nn.Parameter(draw_gates(n, n, "orthogonal"))
        self.weight_x = nn.Parameter(draw_gates(n, inputs, config.input_init))
        self.bias = nn.Parameter(torch.zeros(4, n))
        self.gates = Gates(n, layer_norm=config.layer_norm, forget_bias=config.forget_bias, epsilon=config.norm_epsilon)
        self.hyper = LSTMCell(n + inputs, _hyper_config(config))
        self.embedding_weight = nn.Parameter(torch.zeros(3, 4, z, m))  # roles, gates
        self.embedding_bias = nn.Parameter(torch.full((2, 4, z), config.z_bias_init))  # z_b has none
        self.projection_weight = nn.Parameter(torch.full((3, 4, n, z), config.scale_init / z))
        with torch.no_grad():
            self.embedding_weight[:2].normal_(std=config.z_init_std)
            self.embedding_weight[2].normal_(std=config.z_b_init_std)
            self.projection_weight[2] = 0

    def hyper_weights(self) -> tuple[Tensor, Tensor]:
        """Return the parts of the hyper cell's W_x that meet h and x. Shapes (4, hyper_units, units or inputs)."""
        return self.hyper.weight_x.split([self.sizes[0], self.weight_x.shape[2]], dim=2)

    def generate(self, hyper_h: Tensor) -> Tensor:
        """Generate d_h, d_x and b of every gate from the hyper cell's h.

        Shapes:
            hyper_h (batch, hyper_units) -> (batch, 3, 4, units), roles in the order of `ROLES`
        """
        z = torch.einsum("bm,rgzm->brgz", hyper_h, self.embedding_weight) + self._embedding_bias()
        vectors = torch.einsum("brgz,rgnz->brgn", z, self.projection_weight)
        return vectors + F.pad(self.bias[None], (0, 0, 0, 0, 2, 0))

    def step(self, x: Tensor | OneHot, state: State, masks: Masks) -> State:
        h, c = state[:2]
        hyper_state = self.step_hyper(x, state, masks[1])
        return *self.step_main(x, (h, c), masks[0], self.generate(hyper_state[0])), *hyper_state

    def step_hyper(self, x: Tensor | OneHot, state: State, mask: Tensor | None) -> State:
        """Do the hyper cell's step alone; of the state (h, c, h^, c^), return the next h^ and c^."""
        h, _, *hyper_state = state
        weight_h, weight_x = self.hyper_weights()
        product = input_product(h, weight_h) + input_product(x, weight_x) + self.hyper.bias
        return self.hyper.step_from_product(product, hyper_state, (mask,))

    def step_main(self, x: Tensor | OneHot, state: State, mask: Tensor | None, vectors: Tensor) -> State:
        """Do the main cell's step alone, with given vectors in place of generated ones.

        Shapes:
            vectors (batch or 1, 3, 4, units), as `generate` returns them; state and result: h and c
        """
        h, c = state
        d_h, d_x, b = vectors.unbind(1)
        a = d_h * input_product(h, self.weight_h) + d_x * input_product(x, self.weight_x) + b
        return self.gates(a, c, mask)

    def unroll(self, x: Tensor | OneHot, state: State, masks: Masks) -> tuple[Tensor, State]:
        hyper_weight_h, hyper_weight_x = self.hyper_weights()
        weights = HyperWeights(
            h=torch.cat([self.weight_h.flatten(0, 1), hyper_weight_h.flatten(0, 1)]),
            hyper_h=self.hyper.weight_h.flatten(0, 1),
            embedding=self.embedding_weight.flatten(0, 2),
            embedding_bias=self._embedding_bias().flatten(),
            projection=self.projection_weight.flatten(0, 1).transpose(1, 2).contiguous(),
            bias=self.bias,
        )
        hyper_products = input_product(x, hyper_weight_x) + self.hyper.bias
        gates = (self.gates, self.hyper.gates)
        return hyperlstm_recurrence(input_product(x, self.weight_x), hyper_products, weights, gates, state, masks)

    def _embedding_bias(self) -> Tensor:
        """Return the biases of all z, those of z_b being zero. Shape (3, 4, N_z)."""
        return F.pad(self.embedding_bias, (0, 0, 0, 0, 0, 1))


def _hyper_config(config: RecurrentConfig) -> RecurrentConfig:
    """Return the hyper cell's configuration: an LSTM of its own size."""
    return replace(
        config,
        cell="lstm",
        units=config.hyper_units,
        layer_norm=config.normalises_hyper_cell,
        input_init="orthogonal",
        recurrent_keep=config.hyper_recurrent_keep,
    )
