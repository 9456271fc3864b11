"""How well a model predicts a text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from uhn.data.streams import IGNORED, Chunk, scoring_chunks
from uhn.recurrent.cell import State
from uhn.recurrent.model import SequenceModel, restart


class Predictor(Protocol):
    """What can be scored: a `SequenceModel`, or one with something about it changed."""

    def initial_state(self, batch: int) -> list[State]:
        """Return the state of streams that begin."""

    def __call__(self, x: Tensor, state: list[State]) -> tuple[Tensor, list[State]]:
        """Return logits and the next state. Shapes: x (steps, streams) -> (steps, streams, symbols)."""


def bits_per_character(
    model: SequenceModel, symbols: Tensor, *, streams: int = 32, length: int = 100, warm_up: int = 256
) -> float:
    """Return the mean of -log2 p over every character of a text but the first, without dropout.

    The state is carried over the whole text in ``streams`` contiguous pieces, each of which reads ``warm_up``
    characters in front of its own first (see `uhn.data.streams.scoring_chunks`); with one stream nothing is cut. No
    weights are adapted to the text (no dynamic evaluation).

    Args:
        model: put into evaluation, and back.
        symbols: the text, best on the model's device.
        streams, length, warm_up: as of `scoring_chunks`.

    Shapes:
        symbols (n,) uint8
    """
    return score(model, model, scoring_chunks(symbols, streams, length, warm_up))


def score(model: SequenceModel, predictor: Predictor, chunks: Iterable[Chunk]) -> float:
    """Return the bits per character of a predictor made of a model, over chunks of a text."""
    device = model.output.weight.device
    nats, count = torch.zeros(2, dtype=torch.float64, device=device)
    state = None
    with evaluation(model):
        for chunk in chunks:
            state = restart(predictor, state, chunk.starts)
            logits, state = predictor(chunk.inputs.to(device), state)
            targets = chunk.targets.to(device).flatten()
            nats += F.cross_entropy(logits.flatten(0, 1), targets, ignore_index=IGNORED, reduction="sum")
            count += (targets != IGNORED).sum()
    return (nats / count).item() / math.log(2)


@contextmanager
def evaluation(model: SequenceModel) -> Iterator[None]:
    """Run a block without dropout and gradients; put the model back into the mode it was in."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)
