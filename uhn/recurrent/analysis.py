"""What a trained HyperLSTM's generated vectors do: how much they vary, and what is lost without it.

"Vectors" are d_h, d_x and b of every gate. Roles are in the order of `uhn.recurrent.hyperlstm.ROLES`, gates in that
of `uhn.recurrent.gates.GATES`. The paper has no such measurements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from uhn.data.streams import IGNORED, scoring_chunks
from uhn.errors import UserError
from uhn.recurrent.cell import State
from uhn.recurrent.evaluation import evaluation, score
from uhn.recurrent.hyperlstm import ROLES, HyperLSTMCell
from uhn.recurrent.inputs import OneHot
from uhn.recurrent.model import SequenceModel, restart

# From the number of a cell and the vectors it generated, (steps, streams, 3, 4, units), to those used in their place.
Replacement = Callable[[int, Tensor], Tensor]


@dataclass(frozen=True)
class VectorStatistics:
    """Mean and standard deviation of one cell's vectors over the characters of a text.

    Shapes:
        both (3, 4, units) float64: roles, gates
    """

    mean: Tensor
    std: Tensor

    def coefficient_of_variation(self) -> Tensor:
        """Return the standard deviation over the absolute mean of every entry of d_h and d_x. Shape (2, 4, units)."""
        return self.std[:2] / self.mean[:2].abs()


def vector_statistics(
    model: SequenceModel, symbols: Tensor, *, streams: int = 32, length: int = 100, warm_up: int = 256
) -> list[VectorStatistics]:
    """Measure the vectors of every cell over a text, without dropout; arguments as of `bits_per_character`.

    Raises:
        UserError: the model is no HyperLSTM.
    """
    _require_hyperlstm(model)
    device = model.output.weight.device
    shape = (2, 3, 4, model.config.units)  # of the vectors and of their squares
    sums = [torch.zeros(shape, dtype=torch.float64, device=device) for _ in model.cells]
    count, state = 0, None
    with evaluation(model):
        for chunk in scoring_chunks(symbols, streams, length, warm_up):
            scored = (chunk.targets != IGNORED).to(device)
            count += int(scored.sum())
            hidden, next_state = OneHot(chunk.inputs.to(device)), []
            for cell, cell_state, total in zip(model.cells, restart(model, state, chunk.starts), sums, strict=True):
                hidden, cell_state, vectors = _generate(cell, hidden, cell_state)
                values = vectors[scored].double()  # (characters, 3, 4, units)
                total += torch.stack([values.sum(0), values.square().sum(0)])
                next_state.append(cell_state)
            state = next_state
    means = [total / count for total in sums]
    return [VectorStatistics(mean, (square - mean.square()).clamp(min=0).sqrt()) for mean, square in means]


def relative_weight_change(cell: HyperLSTMCell, statistics: VectorStatistics) -> Tensor:
    r"""Return how far the generated matrices are from their mean, relative to it.

    .. math:: \sqrt{\mathrm{E}_t \|W_t - \bar{W}\|^2} \,/\, \|\bar{W}\|, \qquad W_t = \mathrm{diag}(d_t)\, W

    in the Frobenius norm, from the norms of the rows of W and the statistics of d.

    Shapes:
        (2, 4): W_h and W_x of every gate
    """
    row_norms = torch.stack([weight.detach().double().norm(dim=2) for weight in (cell.weight_h, cell.weight_x)])
    return (row_norms * statistics.std[:2]).norm(dim=2) / (row_norms * statistics.mean[:2]).norm(dim=2)


def bits_with_mean_vectors(
    model: SequenceModel,
    symbols: Tensor,
    statistics: list[VectorStatistics],
    *,
    roles: str = "hxb",
    streams: int = 32,
    length: int = 100,
    warm_up: int = 256,
) -> float:
    """Return the bits per character with generated vectors replaced by their means.

    Args:
        model: a HyperLSTM.
        symbols: the text.
        statistics: of `vector_statistics` over the training text.
        roles: which vectors to replace: any of h, x and b.
        streams, length, warm_up: as of `bits_per_character`.

    Raises:
        UserError: the model is no HyperLSTM, or a role is unknown.
    """

    def replace(layer: int, vectors: Tensor) -> Tensor:
        return statistics[layer].mean.to(vectors).expand_as(vectors)

    predictor = ReplacedVectors(model, _only(roles, replace))
    return score(model, predictor, scoring_chunks(symbols, streams, length, warm_up))


def bits_with_permuted_vectors(
    model: SequenceModel,
    symbols: Tensor,
    generator: torch.Generator,
    *,
    roles: str = "hxb",
    streams: int = 32,
    length: int = 100,
    warm_up: int = 256,
) -> float:
    """Return the bits per character with generated vectors at the wrong time.

    The vectors are those of the undisturbed model; the ``length`` of a chunk are permuted, each stream for itself and
    all of a time together. Arguments as of `bits_with_mean_vectors`; the generator, on the CPU, draws the order.

    Raises:
        UserError: the model is no HyperLSTM, or a role is unknown.
    """

    def replace(layer: int, vectors: Tensor) -> Tensor:
        order = torch.rand(vectors.shape[:2], generator=generator).argsort(0).to(vectors.device)
        return vectors.gather(0, order[:, :, None, None, None].expand_as(vectors))

    predictor = ReplacedVectors(model, _only(roles, replace))
    return score(model, predictor, scoring_chunks(symbols, streams, length, warm_up))


class ReplacedVectors:
    """A HyperLSTM whose main cells use other vectors than the generated ones.

    Two runs go side by side: the undisturbed one, which generates vectors, and the main cells with what takes their
    place. A state has the undisturbed h, c, h^ and c^, then h and c of the other run.

    Args:
        model: a HyperLSTM, in evaluation.
        replace: what takes the place of generated vectors.

    Raises:
        UserError: the model is no HyperLSTM.
    """

    def __init__(self, model: SequenceModel, replace: Replacement) -> None:
        _require_hyperlstm(model)
        self.model = model
        self.replace = replace

    def initial_state(self, batch: int) -> list[State]:
        return [(*state, *state[:2]) for state in self.model.initial_state(batch)]

    def __call__(self, x: Tensor, state: list[State]) -> tuple[Tensor, list[State]]:
        undisturbed = replaced = OneHot(x)
        next_state = []
        for layer, (cell, cell_state) in enumerate(zip(self.model.cells, state, strict=True)):
            undisturbed, own_state, vectors = _generate(cell, undisturbed, cell_state[:4])
            replaced, other_state = _run_main(cell, replaced, cell_state[4:], self.replace(layer, vectors))
            next_state.append((*own_state, *other_state))
        return self.model.output(replaced), next_state


def _generate(cell: HyperLSTMCell, x: Tensor | OneHot, state: State) -> tuple[Tensor, State, Tensor]:
    """Run a cell step by step.

    Shapes:
        x (steps, streams, ...) -> h (steps, streams, units), last state, vectors (steps, streams, 3, 4, units)
    """
    hidden, vectors = [], []
    for x_t in _steps(x):
        hyper_state = cell.step_hyper(x_t, state, None)
        vectors.append(cell.generate(hyper_state[0]))
        state = (*cell.step_main(x_t, state[:2], None, vectors[-1]), *hyper_state)
        hidden.append(state[0])
    return torch.stack(hidden), state, torch.stack(vectors)


def _run_main(cell: HyperLSTMCell, x: Tensor | OneHot, state: State, vectors: Tensor) -> tuple[Tensor, State]:
    """Run a main cell with given vectors. Shapes as of `_generate`."""
    hidden = []
    for x_t, vectors_t in zip(_steps(x), vectors, strict=True):
        state = cell.step_main(x_t, state, None, vectors_t)
        hidden.append(state[0])
    return torch.stack(hidden), state


def _steps(x: Tensor | OneHot) -> list[Tensor | OneHot]:
    return [x.step(t) for t in range(len(x.symbols))] if isinstance(x, OneHot) else list(x)


def _only(roles: str, replace: Replacement) -> Replacement:
    """Replace the vectors of some roles and keep the others."""
    if not roles or set(roles) - set(ROLES):
        raise UserError(f"roles: expected one or more of {', '.join(ROLES)}, got '{roles}'")
    chosen = torch.tensor([role in roles for role in ROLES])[:, None, None]

    def replace_chosen(layer: int, vectors: Tensor) -> Tensor:
        return torch.where(chosen.to(vectors.device), replace(layer, vectors), vectors)

    return replace_chosen


def _require_hyperlstm(model: SequenceModel) -> None:
    if model.config.cell != "hyperlstm":
        raise UserError(f"analysis of generated vectors: expected a model of hyperlstm cells, got {model.config.cell}")
