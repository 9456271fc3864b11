"""The round trip of what stages write."""

import json
from dataclasses import replace

import pytest
from sweep_cases import SMALL, four_stages

from uhn.errors import UserError
from uhn.sweeps.grids import Hyperparameters, Slot
from uhn.sweeps.selection import (
    SKIPPED,
    CandidateResult,
    read_candidate,
    read_selection,
    write_candidate,
    write_selection,
)


@pytest.fixture
def selections():
    """All stages; with a dropped, a skipped and a diverged candidate."""
    return four_stages(
        SMALL,
        {"i0_j0": 0.5, "i1_j0": 1 / 3},
        {"i0_j0": 0.1 + 0.2, "i0_j1": 0.9, "i1_j0": 0.8},
        {"i0_j1": 0.7, "i1_j0": 0.6, "i1_j1": 0.5},
        {"r0": [0.9, 0.8], "r1": 0.7, "r2": 0.1},
        fail=[("i1_j1", 1)],
    )


def test_selections_survive_the_file(tmp_path, selections):
    for selection in selections:
        path = tmp_path / f"stage{selection.stage}" / "selected.json"
        write_selection(path, selection)
        assert read_selection(path, SMALL, "paper") == selection
    assert [one.slot.key for one in selections[-1].dropped] == ["stage2/i1_j1", "stage3/i1_j1"]


def test_the_file_states_means_spreads_and_ranks(tmp_path, selections):
    path = tmp_path / "selected.json"
    write_selection(path, selections[-1])
    first = json.loads(path.read_text())["ranking"][0]
    assert first["slot"] == "stage2/i0_j1"
    assert first["hyperparameters"] == {"train_lr": 0.1, "train_budget": 10, "init_lr": 0.3, "init_steps": 6}
    assert first["seeds"] == [1, 2, 3]
    metric = first["metrics"]["validation/accuracy"]
    assert metric["values"] == [0.9, 0.9, 0.8]
    assert metric["mean"] == pytest.approx(2.6 / 3)
    assert metric["std"] == pytest.approx((2 / 9) ** 0.5 / 10)
    assert (metric["rank"], first["mean_rank"], first["std_rank"]) == (0, 0, 0)


def test_candidates_survive_the_file(tmp_path):
    values = Hyperparameters(0.1, 10, 0.3, 6)
    for result in (
        CandidateResult.finished(Slot(2, 0, 1), 1, values, {"validation/accuracy": 0.5, "validation/loss": 1 / 3}),
        CandidateResult.finished(
            Slot(2, 0, 1), 1, values, {"validation/accuracy": 0.5, "validation/loss": float("nan")}
        ),
        CandidateResult(Slot(4, 2), 2, SKIPPED, None, reason="too few", same_as=Slot(1, 1)),
    ):
        write_candidate(tmp_path / "candidate.json", SMALL, "paper", result)
        assert read_candidate(tmp_path / "candidate.json", SMALL, "paper") == result


def test_files_of_another_sweep_or_scale_are_refused(tmp_path, selections):
    path = tmp_path / "selected.json"
    write_selection(path, selections[0])
    with pytest.raises(UserError, match="belongs to sweep small at scale paper, expected small at scale demo"):
        read_selection(path, SMALL, "demo")
    with pytest.raises(UserError, match="expected other at scale paper"):
        read_selection(path, replace(SMALL, name="other"), "paper")


def test_a_damaged_file_is_refused(tmp_path, selections):
    path = tmp_path / "selected.json"
    write_selection(path, selections[0])
    path.write_text(path.read_text()[:-20])
    with pytest.raises(UserError, match="not a readable JSON file"):
        read_selection(path, SMALL, "paper")
