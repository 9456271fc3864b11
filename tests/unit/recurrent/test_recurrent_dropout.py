"""Dropout: recurrent without memory loss, of inputs, of outputs."""

import pytest
import torch

from uhn.recurrent.config import RecurrentConfig
from uhn.recurrent.dropout import drop_input, dropout_mask
from uhn.recurrent.inputs import OneHot
from uhn.recurrent.model import CELL_CLASSES, SequenceModel

SMALL = {"units": 6, "hyper_units": 3, "embedding_dim": 2}


def build_cell(cell, **options):
    torch.manual_seed(1)
    return CELL_CLASSES[cell](4, RecurrentConfig(cell=cell, **SMALL, **options))


@pytest.mark.parametrize("cell", CELL_CLASSES)
def test_nothing_is_dropped_with_keep_one_or_in_evaluation(cell):
    assert build_cell(cell).draw_masks(5, 2) == (None,) * len(build_cell(cell).sizes)
    assert build_cell(cell, recurrent_keep=0.5).eval().draw_masks(5, 2) == (None,) * len(build_cell(cell).sizes)


def test_each_part_has_its_own_keep():
    main, hyper = build_cell("hyperlstm", recurrent_keep=0.5).draw_masks(5, 2)
    assert main.shape == (5, 2, 6) and hyper is None
    main, hyper = build_cell("hyperlstm", hyper_recurrent_keep=0.5).draw_masks(5, 2)
    assert main is None and hyper.shape == (5, 2, 3)


def test_factors_are_zero_or_one_over_keep_and_one_on_average():
    torch.manual_seed(0)
    mask = dropout_mask((400, 500), 0.8, torch.zeros(()))
    assert set(mask.unique().tolist()) == {0.0, 1.25}
    share_error = (0.8 * 0.2 / mask.numel()) ** 0.5
    assert abs(mask.mean() - 1) < 5 * share_error / 0.8


@pytest.mark.parametrize("cell", CELL_CLASSES)
def test_a_dropped_candidate_loses_no_memory(cell):
    """With everything dropped c is f c_{t-1}: what was in the cell stays, and only what would be added is missing."""
    cell = build_cell(cell)
    x, state = torch.randn(3, 4), tuple(torch.randn_like(tensor) for tensor in cell.initial_state(3))
    none = (None,) * len(cell.sizes)
    zero = (torch.zeros(3, 6), *none[1:])
    half = (torch.full((3, 6), 0.5), *none[1:])
    whole, dropped, halved = (cell.step(x, state, masks)[1] for masks in (none, zero, half))
    torch.testing.assert_close(halved, (whole + dropped) / 2)  # linear in the mask, which acts on the candidate alone
    forget = dropped / state[1]
    assert ((forget > 0) & (forget < 1)).all()
    no_memory = (state[0], torch.zeros_like(state[1]), *state[2:])
    assert torch.equal(cell.step(x, no_memory, zero)[1], torch.zeros(3, 6))


@pytest.mark.parametrize("cell", CELL_CLASSES)
def test_called_as_a_module_a_cell_drops_in_training_only(cell):
    cell = build_cell(cell, recurrent_keep=0.5)
    x, state = torch.randn(8, 4), cell.initial_state(8)
    assert not torch.equal(cell(x, state)[1], cell(x, state)[1])
    assert (cell(x, state)[1] == 0).float().mean() > 0.2  # c starts at zero, so a dropped candidate leaves zero
    cell.eval()
    assert torch.equal(cell(x, state)[1], cell(x, state)[1])
    assert (cell(x, state)[1] != 0).all()


def test_dropping_a_one_hot_input_drops_its_one_entry():
    torch.manual_seed(0)
    symbols = torch.randint(7, (200, 50))
    dropped = drop_input(OneHot(symbols), 0.9, torch.zeros(()))
    assert torch.equal(dropped.symbols, symbols)
    assert set(dropped.value.unique().tolist()) == {0.0, torch.tensor(1 / 0.9).item()}
    assert abs((dropped.value == 0).float().mean() - 0.1) < 0.015


@pytest.mark.parametrize("option", ["input_keep", "output_keep", "recurrent_keep"])
def test_a_model_drops_in_training_only(option):
    torch.manual_seed(0)
    model = SequenceModel(RecurrentConfig(layers=2, **SMALL, **{option: 0.5}), 5, 5)
    plain = SequenceModel(RecurrentConfig(layers=2, **SMALL), 5, 5)
    plain.load_state_dict(model.state_dict())
    x = torch.randint(5, (4, 3))
    assert not torch.equal(model(x)[0], model(x)[0])
    assert torch.equal(model.eval()(x)[0], plain(x)[0])


def test_dropped_outputs_leave_the_output_bias():
    torch.manual_seed(0)
    model = SequenceModel(RecurrentConfig(cell="lstm", units=1, output_keep=0.5), 5, 3)
    logits = model(torch.randint(5, (10, 20)))[0].flatten(0, 1)
    dropped = (logits == model.output.bias).all(1)
    assert 0.35 < dropped.float().mean() < 0.65
