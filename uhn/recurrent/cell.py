"""What a sequence model asks of a cell."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from uhn.recurrent.dropout import dropout_mask
from uhn.recurrent.inputs import OneHot

# h and c; HyperLSTM adds those of its hyper cell.
State = tuple[Tensor, ...]
# The recurrent dropout of each of the two: factors, or None where nothing is dropped.
Masks = tuple[Tensor | None, ...]


class RecurrentCell(nn.Module, ABC):
    """A cell with layer-normalised gates, recurrent dropout and two ways through a sequence that give the same numbers.

    ``step`` is the definition; ``unroll`` goes through a whole sequence with a hand-written backward pass, which is
    faster. Called as a module, a cell does one step, with dropout in training.

    Attributes:
        sizes: units of h and, of HyperLSTM, of the hyper cell's h.
        keeps: shares that recurrent dropout keeps of the candidates of each.
    """

    sizes: tuple[int, ...]
    keeps: tuple[float, ...]
    weight_h: nn.Parameter

    @abstractmethod
    def step(self, x: Tensor | OneHot, state: State, masks: Masks) -> State:
        """Do one step.

        Shapes:
            x (batch, inputs) or one-hot (batch,), each tensor of states and masks (batch, units) -> the next state
        """

    @abstractmethod
    def unroll(self, x: Tensor | OneHot, state: State, masks: Masks) -> tuple[Tensor, State]:
        """Do all steps of a sequence.

        Shapes:
            x (steps, batch, inputs) or one-hot (steps, batch), states (batch, units), masks (steps, batch, units)
            -> h of every step (steps, batch, units), the last state
        """

    def initial_state(self, batch: int) -> State:
        """Return zeros for h and c of each of the cell's sizes."""
        return tuple(self.weight_h.new_zeros(batch, size) for size in self.sizes for _ in ("h", "c"))

    def draw_masks(self, *shape: int) -> Masks:
        """Draw recurrent dropout for ``(batch,)`` or ``(steps, batch)``; nothing is dropped in evaluation."""
        return tuple(
            dropout_mask((*shape, size), keep, self.weight_h) if self.training and keep < 1 else None
            for size, keep in zip(self.sizes, self.keeps, strict=True)
        )

    def forward(self, x: Tensor | OneHot, state: State) -> State:
        return self.step(x, state, self.draw_masks(state[0].shape[0]))
