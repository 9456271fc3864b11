"""A text cut into parallel streams, for training and for scoring a model that carries its state along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from uhn.errors import UserError

# What `torch.nn.functional.cross_entropy` leaves out of its sum.
IGNORED = -100


@dataclass(frozen=True)
class Chunk:
    """The same steps of all streams, on the text's device.

    Args:
        inputs: characters.
        targets: the characters behind them; `IGNORED` where nothing is asked.
        starts: streams that begin here, with a state of zeros; None where all go on.

    Shapes:
        inputs, targets (steps, streams) int64, starts (streams,) bool
    """

    inputs: Tensor
    targets: Tensor
    starts: Tensor | None


class TrainingStreams:
    """Contiguous streams of a text for truncated backpropagation: each goes on where it stopped a step ago.

    The text is cut into equal streams; each training step takes the next ``length`` characters of all of them. What
    does not fill a last chunk is not trained on. When the streams end, they start over: the end of an epoch. The
    paper does not say whether it carried the state from one training sequence to the next.

    Args:
        symbols: the text.
        streams: number of streams, the batch size.
        length: characters of a step.

    Shapes:
        symbols (n,) uint8

    Raises:
        UserError: the text is too short for one chunk.
    """

    def __init__(self, symbols: Tensor, streams: int, length: int) -> None:
        per_stream = (len(symbols) - 1) // streams
        self.chunks_per_epoch = per_stream // length
        self.length = length
        if self.chunks_per_epoch < 1:
            raise UserError(
                f"sequence: expected at most {max(per_stream, 0):,} characters a stream ({len(symbols):,} of text in "
                f"{streams} streams), got {length:,}; shorten the sequence or the batch"
            )
        used = per_stream * streams
        self._inputs = symbols[:used].view(streams, per_stream).t()  # (per_stream, streams)
        self._targets = symbols[1 : used + 1].view(streams, per_stream).t()
        self._all = torch.ones(streams, dtype=torch.bool, device=symbols.device)

    def chunk(self, step: int) -> Chunk:
        """Return what a training step sees; the state starts over with the first chunk of each epoch."""
        number = step % self.chunks_per_epoch
        steps = slice(number * self.length, (number + 1) * self.length)
        return Chunk(self._inputs[steps].long(), self._targets[steps].long(), None if number else self._all)


def scoring_chunks(symbols: Tensor, streams: int, length: int, warm_up: int) -> Iterator[Chunk]:
    """Cut a text so that every character but the first is predicted exactly once.

    Streams are contiguous and of equal length, the last one shorter if need be. Each but the first reads some
    characters in front of its own first, unscored, so that its state is not that of the start of a text. One stream
    is the text from beginning to end; more are faster and, with a warm-up longer than the model's memory, the same.

    Args:
        symbols: the text.
        streams: number of streams; fewer if the text has fewer characters to predict.
        length: characters of a chunk.
        warm_up: characters read in advance, at most those of one stream.

    Raises:
        UserError: the text has fewer than two characters.
    """
    predictions = len(symbols) - 1
    if predictions < 1:
        raise UserError(f"text: expected at least 2 characters to score a prediction, found {len(symbols)}")
    streams = min(streams, predictions)
    per_stream = -(-predictions // streams)
    warm_up = min(warm_up, per_stream) if streams > 1 else 0
    stream = torch.arange(streams, device=symbols.device)
    for begin in (*range(-warm_up, 0, length), *range(0, per_stream, length)):
        end = min(begin + length, 0 if begin < 0 else per_stream)
        position = per_stream * stream + torch.arange(begin, end, device=symbols.device)[:, None]  # (steps, streams)
        within = position.clamp(0, predictions - 1)
        scored = (position == within) & (begin >= 0)
        targets = torch.where(scored, symbols[within + 1].long(), IGNORED)
        starts = None
        if begin == -warm_up:
            starts = stream >= 0
        elif begin == 0:
            starts = stream == 0  # there was nothing in front of the first stream
        yield Chunk(symbols[within].long(), targets, starts)
