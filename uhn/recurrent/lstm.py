"""LSTM cells: plain, layer-normalised, and with rows scaled by constants."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from uhn.recurrent.cell import Masks, RecurrentCell, State
from uhn.recurrent.config import RecurrentConfig
from uhn.recurrent.gates import Gates
from uhn.recurrent.inputs import OneHot, input_product
from uhn.recurrent.recurrence import lstm_recurrence


class LSTMCell(RecurrentCell):
    r"""An LSTM, with layer normalisation if the configuration says so.

    .. math:: a^y_t = W_h^y h_{t-1} + W_x^y x_t + b^y, \qquad y \in \{i, g, f, o\}

    (eq. 7); `Gates` continues from there. W_h and W_x start orthogonal gate by gate, b at zero (A.2.3).

    Args:
        inputs: size of x.
        config: units, layer_norm, gate_bias, forget_bias, norm_epsilon, input_init and recurrent_keep are read.

    Shapes:
        x (batch, inputs) or one-hot (batch,), state h and c (batch, units) -> h and c (batch, units)
    """

    def __init__(self, inputs: int, config: RecurrentConfig) -> None:
        super().__init__()
        self.sizes = (config.units,)
        self.keeps = (config.recurrent_keep,)
        self.weight_h = nn.Parameter(draw_gates(config.units, config.units, "orthogonal"))
        self.weight_x = nn.Parameter(draw_gates(config.units, inputs, config.input_init))
        self.register_parameter("bias", nn.Parameter(torch.zeros(4, config.units)) if config.gate_bias else None)
        self.gates = Gates(
            config.units,
            layer_norm=config.layer_norm,
            forget_bias=config.forget_bias,
            epsilon=config.norm_epsilon,
        )

    def weights(self) -> tuple[Tensor, Tensor]:
        """Return W_h and W_x. Shapes (4, units, units) and (4, units, inputs)."""
        return self.weight_h, self.weight_x

    def input_product(self, x: Tensor | OneHot) -> Tensor:
        """Return ``W_x x + b`` of every gate, of one step or of all. Shape (..., 4, units)."""
        product = input_product(x, self.weights()[1])
        return product if self.bias is None else product + self.bias

    def step(self, x: Tensor | OneHot, state: State, masks: Masks) -> State:
        return self.step_from_product(self.input_product(x), state, masks)

    def step_from_product(self, product: Tensor, state: State, masks: Masks) -> State:
        """Do one step from what `input_product` returned."""
        h, c = state
        return self.gates(input_product(h, self.weights()[0]) + product, c, *masks)

    def unroll(self, x: Tensor | OneHot, state: State, masks: Masks) -> tuple[Tensor, State]:
        return lstm_recurrence(self.input_product(x), self.weights()[0], self.gates, state, masks[0])


class ScaledLSTMCell(LSTMCell):
    r"""The static control: an LSTM whose rows are scaled by learned constants, where HyperLSTM generates the scales.

    .. math:: a^y_t = d_h^y \odot (W_h^y h_{t-1}) + d_x^y \odot (W_x^y x_t) + b^y

    Not in the paper. It tells a change of the scales over time from the mere presence of scales, which alters
    initial values, gradients and the effective learning rate.

    Args:
        inputs: size of x.
        config: as of `LSTMCell`, and scale_init, at which both d start.

    Shapes:
        as of `LSTMCell`
    """

    def __init__(self, inputs: int, config: RecurrentConfig) -> None:
        super().__init__(inputs, config)
        self.scale_h = nn.Parameter(torch.full((4, config.units), config.scale_init))
        self.scale_x = nn.Parameter(torch.full((4, config.units), config.scale_init))

    def weights(self) -> tuple[Tensor, Tensor]:
        return self.scale_h[..., None] * self.weight_h, self.scale_x[..., None] * self.weight_x


def draw_gates(units: int, inputs: int, init: str) -> Tensor:
    """Draw the weights of four gates, each on its own: ``orthogonal`` or ``glorot`` (uniform).

    Shapes:
        (4, units, inputs)
    """
    draw = {"orthogonal": nn.init.orthogonal_, "glorot": nn.init.xavier_uniform_}[init]
    return torch.stack([draw(torch.empty(units, inputs)) for _ in range(4)])
