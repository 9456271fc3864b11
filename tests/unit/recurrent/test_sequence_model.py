"""Stacked cells over a sequence: against single steps, in chunks, and how they learn."""

import pytest
import torch
import torch.nn.functional as F

from uhn.errors import UserError
from uhn.recurrent.config import CELLS, RecurrentConfig
from uhn.recurrent.model import CELL_CLASSES, SequenceModel, detach_state, next_character_loss

SMALL = {"units": 6, "hyper_units": 3, "embedding_dim": 2}


@pytest.fixture(params=[(cell, layer_norm) for cell in CELLS for layer_norm in (False, True)], ids=str)
def model(request):
    torch.manual_seed(2)
    cell, layer_norm = request.param
    return SequenceModel(RecurrentConfig(cell=cell, layers=2, layer_norm=layer_norm, **SMALL), 5, 4).double()


def test_every_kind_of_cell_can_be_built():
    assert set(CELL_CLASSES) == set(CELLS)


def test_unrolled_is_step_by_step(model):
    x = torch.randint(5, (9, 3))
    logits, last = model(x)
    state = model.initial_state(3)
    for t, vectors in enumerate(F.one_hot(x, 5).double()):
        hidden = vectors
        for layer, cell in enumerate(model.cells):
            state[layer] = cell(hidden, state[layer])
            hidden = state[layer][0]
        torch.testing.assert_close(logits[t], model.output(hidden), rtol=0, atol=1e-12)
    for found, expected in zip(last, state, strict=True):
        for tensor, wanted in zip(found, expected, strict=True):
            torch.testing.assert_close(tensor, wanted, rtol=0, atol=1e-12)


def test_state_carries_over_between_chunks(model):
    x = torch.randint(5, (10, 3))
    whole, last = model(x)
    first, state = model(x[:4])
    second, end = model(x[4:], detach_state(state))
    torch.testing.assert_close(torch.cat([first, second]), whole, rtol=0, atol=1e-12)
    for found, expected in zip(end, last, strict=True):
        for tensor, wanted in zip(found, expected, strict=True):
            torch.testing.assert_close(tensor, wanted, rtol=0, atol=1e-12)


def test_gradients_stop_at_a_detached_state(model):
    _, state = model(torch.randint(5, (3, 2)))
    assert all(tensor.requires_grad for cell_state in state for tensor in cell_state)
    assert not any(tensor.requires_grad for cell_state in detach_state(state) for tensor in cell_state)


def test_every_parameter_gets_a_gradient(model):
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    x = torch.randint(5, (6, 3))
    next_character_loss(model(x)[0], torch.randint(4, (6, 3))).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and not parameter.grad.is_inference(), name
        assert (parameter.grad != 0).any(), name


def test_predictions_look_at_no_later_character(model):
    x = torch.randint(5, (6, 3))
    changed = torch.cat([x[:4], (x[4:] + 1) % 5])
    assert torch.equal(model(x)[0][:4], model(changed)[0][:4])
    assert not torch.equal(model(x)[0][4], model(changed)[0][4])


def test_loss_is_the_mean_negative_log_probability():
    logits = torch.tensor([[[0.0, 1.0]], [[2.0, -1.0]]])
    expected = -(logits[0, 0].log_softmax(0)[1] + logits[1, 0].log_softmax(0)[0]) / 2
    torch.testing.assert_close(next_character_loss(logits, torch.tensor([[1], [0]])), expected)


@pytest.mark.parametrize("cell", CELLS)
def test_learns_what_only_memory_can_predict(cell):
    """A symbol comes back three steps later; without memory the loss is that of a fair choice among four."""
    torch.manual_seed(0)
    config = RecurrentConfig(cell=cell, units=24, layer_norm=True, hyper_units=12, embedding_dim=2)
    model = SequenceModel(config, 4, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        x = torch.randint(4, (3, 32)).repeat(4, 1)
        loss = next_character_loss(model(x[:-1])[0][2:], x[3:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.1 * torch.log(torch.tensor(4.0))


def test_empty_sequence():
    model = SequenceModel(RecurrentConfig(**SMALL), 5, 5)
    with pytest.raises(UserError, match=r"sequence: expected at least one step, got shape \(0, 3\)$"):
        model(torch.zeros(0, 3, dtype=torch.int64))


@pytest.mark.parametrize(
    "options, message",
    [
        ({"cell": "gru"}, "cell: expected one of lstm, scaled_lstm, hyperlstm, got 'gru'"),
        ({"input_init": "zeros"}, "input_init: expected one of orthogonal, glorot, got 'zeros'"),
        ({"units": 0}, "units: expected at least 1, got 0"),
        ({"embedding_dim": 0}, "embedding_dim: expected at least 1, got 0"),
        ({"recurrent_keep": 0.0}, "recurrent_keep: expected a share above 0 and at most 1, got 0.0"),
        ({"input_keep": 1.1}, "input_keep: expected a share above 0 and at most 1, got 1.1"),
        ({"z_init_std": -1.0}, "z_init_std: expected 0 or more, got -1.0"),
        (
            {"gate_bias": False},
            "gate_bias: expected true with cell hyperlstm, whose bias b_0 is in eq. 12; leave it out",
        ),
    ],
)
def test_impossible_configurations(options, message):
    with pytest.raises(UserError) as error:
        RecurrentConfig(**options)
    assert str(error.value) == message
