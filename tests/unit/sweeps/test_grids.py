"""Slots, their keys and the values behind them."""

import pytest
from sweep_cases import SMALL

from uhn.errors import UserError
from uhn.sweeps.grids import Slot


def test_slots_are_the_first_grid_outside_and_the_second_inside():
    assert [slot.key for slot in SMALL.slots(1)] == ["stage1/i0_j0", "stage1/i1_j0"]
    assert [slot.name for slot in SMALL.slots(2)] == ["i0_j0", "i0_j1", "i1_j0", "i1_j1"]
    assert [slot.key for slot in SMALL.slots(4)] == ["stage4/r0", "stage4/r1", "stage4/r2"]
    assert SMALL.axes(2) == ((0.3, 0.4), (5, 6))
    assert SMALL.axes(3) == ((0.1, 0.2), (10, 20))


@pytest.mark.parametrize("slot", [slot for stage in SMALL.stages for slot in SMALL.slots(stage)])
def test_keys_name_slots(slot):
    assert Slot.parse(slot.key) == slot


@pytest.mark.parametrize("key", ["stage4/i0_j0", "stage1/r0", "stage5/i0_j0", "stage1/i0_j0/seed1", "i0_j0"])
def test_other_keys_are_refused(key):
    with pytest.raises(UserError, match="names no candidate"):
        Slot.parse(key)


def test_unknown_stages_are_mistakes():
    with pytest.raises(UserError, match="sweep small has no stage 5; expected one of 1, 2, 3, 4"):
        SMALL.slots(5)
    with pytest.raises(UserError, match="stage 4 has no grid"):
        SMALL.axes(4)
