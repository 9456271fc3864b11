"""Bits per character against sums over the text in plain PyTorch."""

import math

import pytest
import torch
import torch.nn.functional as F

from uhn.recurrent.config import CELLS, RecurrentConfig
from uhn.recurrent.evaluation import bits_per_character
from uhn.recurrent.model import SequenceModel


def build_model(cell="hyperlstm", **options):
    torch.manual_seed(4)
    options = {"units": 8, "hyper_units": 4, "embedding_dim": 2, "z_init_std": 0.5} | options
    model = SequenceModel(RecurrentConfig(cell=cell, **options), 7, 7).double()
    torch.nn.init.normal_(model.output.weight)
    return model


def expected_bits(model, pieces):
    """Of pieces of text, each from a state of zeros: (text, predictions to leave out at its beginning)."""
    nats = []
    for text, left_out in pieces:
        logits, _ = model(text[:-1, None].long())
        nats += F.cross_entropy(logits[:, 0], text[1:].long(), reduction="none")[left_out:].tolist()
    return sum(nats) / len(nats) / math.log(2), len(nats)


@pytest.fixture
def text():
    return torch.randint(7, (101,), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("length", [7, 100])
def test_one_stream_is_the_whole_text(cell, length, text):
    model = build_model(cell)
    expected, count = expected_bits(model, [(text, 0)])
    assert count == 100
    assert bits_per_character(model, text, streams=1, length=length) == pytest.approx(expected, rel=1e-12)


def test_streams_without_warm_up_start_from_zeros(text):
    model = build_model()
    expected, count = expected_bits(model, [(text[0:35], 0), (text[34:69], 0), (text[68:], 0)])
    assert count == 100
    assert bits_per_character(model, text, streams=3, length=10, warm_up=0) == pytest.approx(expected, rel=1e-12)


def test_streams_with_warm_up(text):
    model = build_model()
    expected, count = expected_bits(model, [(text[0:35], 0), (text[14:69], 20), (text[48:], 20)])
    assert count == 100
    assert bits_per_character(model, text, streams=3, length=11, warm_up=20) == pytest.approx(expected, rel=1e-12)


def test_a_know_nothing_needs_log2_of_the_alphabet(text):
    model = build_model()
    torch.nn.init.zeros_(model.output.weight)
    assert bits_per_character(model, text, streams=4) == pytest.approx(math.log2(7))


def test_dropout_is_off_and_the_model_stays_in_its_mode(text):
    model = build_model(recurrent_keep=0.5, input_keep=0.5, output_keep=0.5)
    assert bits_per_character(model, text) == bits_per_character(model, text) == bits_per_character(model.eval(), text)
    assert not model.training
    bits_per_character(model.train(), text)
    assert model.training
