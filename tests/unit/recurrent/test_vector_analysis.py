"""Statistics of generated vectors and scores with other vectors in their place."""

import pytest
import torch
import torch.nn.functional as F

from uhn.errors import UserError
from uhn.recurrent.analysis import (
    ReplacedVectors,
    VectorStatistics,
    bits_with_mean_vectors,
    bits_with_permuted_vectors,
    relative_weight_change,
    vector_statistics,
)
from uhn.recurrent.config import RecurrentConfig
from uhn.recurrent.evaluation import bits_per_character
from uhn.recurrent.model import SequenceModel

TEXT = torch.randint(5, (61,), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def build_model(trained=True, **options):
    """A small HyperLSTM in float64; "trained" stands for random weights where the printed start has constants."""
    torch.manual_seed(5)
    options = {"units": 6, "hyper_units": 4, "embedding_dim": 2, "layer_norm": True} | options
    model = SequenceModel(RecurrentConfig(**options), 5, 5).double()
    if trained:
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.7)
    return model


def recorded_vectors(model):
    """Vectors over the whole text in one stream, from the cell's own steps. Shape (characters, 3, 4, units)."""
    cell, vectors = model.cells[0], []
    state = cell.initial_state(1)
    for x in F.one_hot(TEXT[:-1].long(), 5).double():
        state = cell.step(x[None], state, (None, None))
        vectors.append(cell.generate(state[2])[0].detach())
    return torch.stack(vectors)


def test_statistics_are_those_of_the_vectors_at_every_scored_character():
    model = build_model()
    vectors = recorded_vectors(model)
    (statistics,) = vector_statistics(model, TEXT, streams=1, length=7)
    torch.testing.assert_close(statistics.mean, vectors.mean(0))
    torch.testing.assert_close(statistics.std, vectors.std(0, correction=0))
    expected = (vectors.std(0, correction=0) / vectors.mean(0).abs())[:2]
    torch.testing.assert_close(statistics.coefficient_of_variation(), expected)


def test_warm_up_and_padding_do_not_count():
    model = build_model()
    many = vector_statistics(model, TEXT, streams=7, length=4, warm_up=60)[0]  # 7 streams of 9 for 60 predictions
    generated = []
    for first in range(0, 60, 9):
        state = model.cells[0].initial_state(1)
        for position in range(max(first - 9, 0), min(first + 9, 60)):  # the warm-up is cut to a stream's length
            x = F.one_hot(TEXT[position].long(), 5).double()[None]
            state = model.cells[0].step(x, state, (None, None))
            if position >= first:
                generated.append(model.cells[0].generate(state[2])[0].detach())
    assert len(generated) == 60
    torch.testing.assert_close(many.mean, torch.stack(generated).mean(0))


def test_relative_change_is_that_of_the_generated_matrices():
    model = build_model()
    cell = model.cells[0]
    (statistics,) = vector_statistics(model, TEXT, streams=1)
    found = relative_weight_change(cell, statistics)
    for role, weight in enumerate((cell.weight_h.detach(), cell.weight_x.detach())):
        matrices = recorded_vectors(model)[:, role, :, :, None] * weight  # (characters, 4, units, columns)
        mean = matrices.mean(0)
        distance = (matrices - mean).square().sum((2, 3)).mean(0).sqrt()
        torch.testing.assert_close(found[role], distance / mean.square().sum((1, 2)).sqrt())


@pytest.mark.parametrize("layers", [1, 2])
def test_replacing_vectors_by_themselves_changes_nothing(layers):
    model = build_model(layers=layers)
    same = ReplacedVectors(model, lambda layer, vectors: vectors)
    x = TEXT[:20].long().view(10, 2)
    logits, state = same(x, same.initial_state(2))
    expected, expected_state = model(x)
    torch.testing.assert_close(logits, expected)
    for found, wanted in zip(state, expected_state, strict=True):
        for tensor, other in zip(found, (*wanted, *wanted[:2]), strict=True):
            torch.testing.assert_close(tensor, other)


def test_vectors_of_the_printed_start_do_not_vary():
    model = build_model(trained=False)
    (statistics,) = vector_statistics(model, TEXT)
    assert (statistics.coefficient_of_variation() < 1e-12).all()
    assert (relative_weight_change(model.cells[0], statistics) < 1e-12).all()
    bits = bits_per_character(model, TEXT)
    assert bits_with_mean_vectors(model, TEXT, [statistics]) == pytest.approx(bits, rel=1e-12)
    generator = torch.Generator().manual_seed(0)
    assert bits_with_permuted_vectors(model, TEXT, generator) == pytest.approx(bits, rel=1e-12)


def test_mean_vectors_are_a_static_model():
    """With the means in place the model is the static control: LN LSTM, scaled rows, constant bias."""
    model = build_model()
    cell = model.cells[0]
    (statistics,) = vector_statistics(model, TEXT)
    static = SequenceModel(RecurrentConfig(cell="scaled_lstm", units=6, layer_norm=True), 5, 5).double()
    weights = {name: tensor for name, tensor in model.state_dict().items() if name in static.state_dict()}
    scales = {"scale_h": statistics.mean[0], "scale_x": statistics.mean[1], "bias": statistics.mean[2]}
    static.load_state_dict(weights | {f"cells.0.{name}": value for name, value in scales.items()})
    assert cell.weight_h.shape == static.cells[0].weight_h.shape
    found = bits_with_mean_vectors(model, TEXT, [statistics], streams=2, length=9, warm_up=5)
    assert found == pytest.approx(bits_per_character(static, TEXT, streams=2, length=9, warm_up=5), rel=1e-12)
    assert abs(found - bits_per_character(model, TEXT, streams=2, length=9, warm_up=5)) > 1e-3


def test_permuted_vectors_keep_their_stream_and_chunk():
    model = build_model()
    generator = torch.Generator().manual_seed(0)
    options = {"streams": 2, "warm_up": 0}
    bits = bits_per_character(model, TEXT, **options)
    assert bits_with_permuted_vectors(model, TEXT, generator, length=1, **options) == pytest.approx(bits, rel=1e-12)
    assert abs(bits_with_permuted_vectors(model, TEXT, generator, length=30, **options) - bits) > 1e-3


def test_roles_are_replaced_one_by_one():
    model = build_model()
    (statistics,) = vector_statistics(model, TEXT)
    scores = {roles: bits_with_mean_vectors(model, TEXT, [statistics], roles=roles) for roles in ("h", "x", "b", "hxb")}
    assert len({round(score, 6) for score in scores.values()}) == 4
    with torch.no_grad():
        model.cells[0].embedding_weight[:2] = 0  # d no longer varies
    (statistics,) = vector_statistics(model, TEXT)
    bits = bits_per_character(model, TEXT)
    assert bits_with_mean_vectors(model, TEXT, [statistics], roles="hx") == pytest.approx(bits, rel=1e-12)
    assert abs(bits_with_mean_vectors(model, TEXT, [statistics], roles="b") - bits) > 1e-3


def test_misuse():
    model = build_model()
    statistics = [VectorStatistics(torch.zeros(3, 4, 6), torch.zeros(3, 4, 6))]
    for roles in ("", "hz"):
        with pytest.raises(UserError, match=f"roles: expected one or more of h, x, b, got '{roles}'"):
            bits_with_mean_vectors(model, TEXT, statistics, roles=roles)
    lstm = build_model(cell="lstm")
    for function in (vector_statistics, lambda *a: bits_with_mean_vectors(*a, statistics)):
        with pytest.raises(UserError, match="expected a model of hyperlstm cells, got lstm"):
            function(lstm, TEXT)
