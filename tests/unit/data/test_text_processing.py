"""Tokeniser, vocabulary, encoding and padding."""

import pytest
import torch

from uhn.data.text import build_vocabulary, encode, tokenise
from uhn.data.texts import TextSet, pad_batch


@pytest.mark.parametrize(
    "text, tokens",
    [
        ("The Cat sat.", ["the", "cat", "sat", "."]),
        ("It's Peter's dog", ["it's", "peter's", "dog"]),
        ("rock'n'roll", ["rock'n", "'", "roll"]),
        ("'tis the dogs' bowl", ["'", "tis", "the", "dogs", "'", "bowl"]),
        ("it''s", ["it", "'", "'", "s"]),
        ("it’s", ["it", "’", "s"]),
        ("A--b...", ["a", "-", "-", "b", ".", ".", "."]),
        ("snake_case 3.14", ["snake_case", "3", ".", "14"]),
        ("<br /><br />", ["<", "br", "/", ">"] * 2),
        ("Ünïcødé ÉCOLE", ["ünïcødé", "école"]),
        ("東京 is €5\u00a0only", ["東京", "is", "€", "5", "only"]),
        ("second\\team", ["second", "\\", "team"]),
        (" \t\n", []),
        ("", []),
    ],
)
def test_tokens(text, tokens):
    assert tokenise(text) == tokens


def test_special_entries_come_first_then_frequency_then_first_occurrence():
    vocabulary = build_vocabulary(["d c b", "b a c", "c"])
    assert list(vocabulary.items()) == [
        ("<unk>", 0),
        ("<pad>", 1),
        ("<cls>", 2),
        ("c", 3),
        ("b", 4),
        ("d", 5),
        ("a", 6),
    ]


def test_the_vocabulary_is_cut_within_a_tie_by_first_occurrence():
    texts = ["often often"] + [f"word{number}" for number in range(6000)]
    vocabulary = build_vocabulary(texts)
    assert len(vocabulary) == 5000
    assert vocabulary["often"] == 3 and vocabulary["word0"] == 4 and vocabulary["word4995"] == 4999
    assert "word4996" not in vocabulary


def test_special_spellings_in_a_text_are_no_special_tokens():
    assert tokenise("<pad>") == ["<", "pad", ">"]


def test_encoding_starts_with_cls_and_is_cut():
    vocabulary = build_vocabulary(["a b"])
    assert encode("b new a", vocabulary, 128) == [2, 4, 0, 3]
    assert encode("a b a b", vocabulary, 3) == [2, 3, 4]
    assert encode("", vocabulary, 128) == [2]


def make_set(rows):
    lengths = torch.tensor([0, *map(len, rows)])
    tokens = torch.tensor([token for row in rows for token in row], dtype=torch.int16)
    return TextSet(tokens, lengths.cumsum(0), torch.zeros(len(rows), dtype=torch.int64), 10, "", {})


def test_batches_are_padded_to_their_own_longest_text():
    texts = make_set([[2, 5, 6, 7], [2], [2, 8, 0]])
    ids, mask = pad_batch(texts, torch.tensor([2, 1]))
    assert ids.tolist() == [[2, 8, 0], [2, 1, 1]] and ids.dtype == torch.int64
    assert mask.tolist() == [[False, False, False], [False, True, True]]
    ids, mask = pad_batch(texts, torch.tensor([1, 0, 1]))
    assert ids.tolist() == [[2, 1, 1, 1], [2, 5, 6, 7], [2, 1, 1, 1]]
    assert torch.equal(mask, ids == 1)
    assert pad_batch(texts, torch.tensor([1]))[0].tolist() == [[2]]
