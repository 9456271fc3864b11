"""Stacked recurrent cells and an output map, over sequences with carried state."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from uhn.errors import UserError
from uhn.recurrent.cell import RecurrentCell, State
from uhn.recurrent.config import RecurrentConfig
from uhn.recurrent.dropout import drop_input
from uhn.recurrent.hyperlstm import HyperLSTMCell
from uhn.recurrent.inputs import OneHot
from uhn.recurrent.lstm import LSTMCell, ScaledLSTMCell

CELL_CLASSES: dict[str, type[RecurrentCell]] = {
    "lstm": LSTMCell,
    "scaled_lstm": ScaledLSTMCell,
    "hyperlstm": HyperLSTMCell,
}


class SequenceModel(nn.Module):
    """Predict the next element at every step of a sequence.

    Dropout of inputs (in front of every cell) and of the last cell's output acts besides the cells' own.

    Deviation: the paper does not say how the output map starts; ours has a uniform Glorot draw, TensorFlow's default,
    and a bias of zero. Nor does it say where the inputs of upper cells are dropped; we drop those of every cell.

    Args:
        config: the cells.
        inputs: size of an input vector; of one-hot characters, the number of symbols.
        outputs: size of the output; for characters, the number of symbols again.

    Shapes:
        x (steps, batch) int64 symbols or (steps, batch, inputs) -> logits (steps, batch, outputs), state: for each
        cell the tensors of its `initial_state`
    """

    def __init__(self, config: RecurrentConfig, inputs: int, outputs: int) -> None:
        super().__init__()
        self.config = config
        self.inputs = inputs
        sizes = [inputs] + [config.units] * (config.layers - 1)
        self.cells = nn.ModuleList(CELL_CLASSES[config.cell](size, config) for size in sizes)
        self.output = nn.Linear(config.units, outputs)
        nn.init.xavier_uniform_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def initial_state(self, batch: int) -> list[State]:
        """Return a state of zeros."""
        return [cell.initial_state(batch) for cell in self.cells]

    def forward(self, x: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        steps, batch = x.shape[:2]
        if steps == 0:
            raise UserError(f"sequence: expected at least one step, got shape {tuple(x.shape)}")
        state = self.initial_state(batch) if state is None else state
        hidden = x if x.is_floating_point() else OneHot(x)
        next_state = []
        for cell, cell_state in zip(self.cells, state, strict=True):
            if self.training and self.config.input_keep < 1:
                hidden = drop_input(hidden, self.config.input_keep, self.output.weight)
            hidden, cell_state = cell.unroll(hidden, cell_state, cell.draw_masks(steps, batch))
            next_state.append(cell_state)
        hidden = F.dropout(hidden, 1 - self.config.output_keep, self.training)
        return self.output(hidden), next_state


def detach_state(state: list[State]) -> list[State]:
    """Return a state that gradients do not pass: what one chunk of a long text hands to the next."""
    return [tuple(tensor.detach() for tensor in cell_state) for cell_state in state]


def restart(model: SequenceModel, state: list[State] | None, starts: Tensor | None) -> list[State]:
    """Return the state with which streams go into a chunk: zeros for those that start, the carried one for others.

    Args:
        model: whose state it is.
        state: carried from the last chunk; None where there was none, and all streams start.
        starts: streams that start; None for none.

    Shapes:
        starts (streams,) bool
    """
    if state is None:
        return model.initial_state(len(starts))
    if starts is None:
        return state
    starts = starts.to(state[0][0].device)[:, None]
    return [tuple(tensor.masked_fill(starts, 0) for tensor in cell_state) for cell_state in state]


def next_character_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy in nats.

    Shapes:
        logits (steps, batch, symbols), targets (steps, batch) int64 -> ()
    """
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())
