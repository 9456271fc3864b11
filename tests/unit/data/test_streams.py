"""Streams of a text: what is seen in training, and that scoring asks for every character once."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from uhn.data.streams import IGNORED, TrainingStreams, scoring_chunks
from uhn.errors import UserError

TEXT = torch.arange(200, dtype=torch.uint8)  # every character tells its position


def test_training_streams_are_contiguous_and_start_over():
    streams = TrainingStreams(TEXT[:24], streams=2, length=4)
    assert streams.chunks_per_epoch == 2
    first, second, again = (streams.chunk(step) for step in (0, 1, 2))
    assert first.inputs.t().tolist() == [[0, 1, 2, 3], [11, 12, 13, 14]]
    assert first.targets.t().tolist() == [[1, 2, 3, 4], [12, 13, 14, 15]]
    assert second.inputs.t().tolist() == [[4, 5, 6, 7], [15, 16, 17, 18]]
    assert first.inputs.dtype == first.targets.dtype == torch.int64
    assert first.starts.tolist() == [True, True] and second.starts is None
    assert torch.equal(again.inputs, first.inputs) and again.starts.tolist() == [True, True]


def test_a_text_just_long_enough():
    assert TrainingStreams(TEXT[:21], streams=5, length=4).chunks_per_epoch == 1
    with pytest.raises(UserError) as error:
        TrainingStreams(TEXT[:20], streams=5, length=4)
    assert str(error.value) == (
        "sequence: expected at most 3 characters a stream (20 of text in 5 streams), got 4; "
        "shorten the sequence or the batch"
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), st.integers(1, 9), st.integers(1, 11), st.integers(0, 13))
def test_scoring_asks_for_every_character_but_the_first_once(size, streams, length, warm_up):
    asked, last, running = [], None, None
    for chunk in scoring_chunks(TEXT[:size], streams, length, warm_up):
        assert 1 <= len(chunk.inputs) <= length
        if chunk.starts is not None:
            running = chunk.starts if running is None else running | chunk.starts
        scored = chunk.targets != IGNORED
        assert torch.equal(chunk.targets[scored], chunk.inputs[scored] + 1)
        asked += chunk.targets[scored].tolist()
        if last is not None:  # a stream that goes on reads the next character, as long as it is asked for anything
            goes_on = scored[0] & (torch.ones_like(scored[0]) if chunk.starts is None else ~chunk.starts)
            assert torch.equal(chunk.inputs[0][goes_on], last[goes_on] + 1)
        last = chunk.inputs[-1]
    assert sorted(asked) == list(range(1, size))
    assert running.all()


def test_streams_warm_up_on_what_is_in_front_of_them():
    warm, first, second = scoring_chunks(TEXT[:21], streams=2, length=5, warm_up=3)
    assert warm.inputs[:, 1].tolist() == [7, 8, 9] and (warm.targets == IGNORED).all()
    assert warm.starts.tolist() == [True, True]
    assert first.inputs.t().tolist() == [[0, 1, 2, 3, 4], [10, 11, 12, 13, 14]]
    assert first.starts.tolist() == [True, False]  # nothing is in front of the first stream
    assert second.inputs.t().tolist() == [[5, 6, 7, 8, 9], [15, 16, 17, 18, 19]]
    assert second.starts is None


def test_one_stream_is_the_text():
    chunks = list(scoring_chunks(TEXT[:8], streams=1, length=3, warm_up=100))
    assert [chunk.inputs[:, 0].tolist() for chunk in chunks] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [chunk.starts is None for chunk in chunks] == [False, True, True]


@pytest.mark.parametrize("size", [0, 1])
def test_a_text_without_a_prediction(size):
    with pytest.raises(UserError, match=f"text: expected at least 2 characters to score a prediction, found {size}"):
        next(scoring_chunks(TEXT[:size], 4, 10, 0))
