"""Endless passes over examples, worked by hand and resumed at every place."""

import pytest
import torch

from uhn.training.tasks.stream import IndexStream


def stream(count=7, batch_size=3, seed=5):
    return IndexStream(count, batch_size, torch.Generator().manual_seed(seed))


def take(one, batches):
    return [one.next().tolist() for _ in range(batches)]


def test_batches_are_cut_from_one_permutation_a_pass():
    generator = torch.Generator().manual_seed(5)
    first, second = (torch.randperm(7, generator=generator).tolist() for _ in range(2))
    assert first != second
    one = stream()
    assert one.batches == 3
    assert take(one, 6) == [first[:3], first[3:6], first[6:], second[:3], second[3:6], second[6:]]


@pytest.mark.parametrize(("count", "batch_size", "batches"), [(6, 3, 2), (1, 1, 1), (5, 8, 1), (512, 100, 6)])
def test_each_index_comes_once_a_pass(count, batch_size, batches):
    one = stream(count, batch_size)
    assert one.batches == batches
    for _ in range(3):
        parts = take(one, batches)
        assert {len(part) for part in parts[:-1]} <= {batch_size}
        assert sorted(index for part in parts for index in part) == list(range(count))


@pytest.mark.parametrize("position", range(10))
def test_it_continues_from_any_place(position):
    """Places before, inside, at the end of and between passes; the source of the copy does not matter."""
    whole = take(stream(), 20)
    one = stream()
    assert take(one, position) == whole[:position]
    state = one.state()
    assert take(one, 5) == whole[position : position + 5]  # the state is a copy: going on does not change it
    other = stream(seed=99)
    take(other, 4)
    other.load_state(state)
    assert take(other, 20 - position) == whole[position:]


def test_a_state_of_a_continued_stream_is_a_state_too():
    whole = take(stream(), 12)
    one = stream()
    for position in range(12):
        state = one.state()
        one = stream(seed=position)
        one.load_state(state)
        assert one.next().tolist() == whole[position]


def test_a_shared_generator_is_left_where_the_pass_began():
    """Between two passes nothing else is drawn: the permutations are those of the generator alone."""
    generator = torch.Generator().manual_seed(1)
    one = IndexStream(4, 4, generator)
    before = torch.Generator().manual_seed(1)
    assert one.next().tolist() == torch.randperm(4, generator=before).tolist()
    assert torch.equal(generator.get_state(), before.get_state())
