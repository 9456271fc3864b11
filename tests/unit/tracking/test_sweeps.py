"""A sweep in an MLflow store: a parent for each stage, its candidates beneath it, nothing twice."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from sweep_files import SWEEP, write_sweep

from uhn.errors import UserError
from uhn.tracking import track_sweep

PARENT = "mlflow.parentRunId"


@pytest.fixture
def sweep(tmp_path):
    """A whole sweep of candidates; stage3/i1_j1 diverged."""
    write_sweep(tmp_path / "sweeps", SWEEP, "demo")
    return tmp_path / "sweeps"


def test_stages_and_their_candidates(uri, sweep, contents):
    # 2 + 4 + 4 places, two of stage 3 ran in stage 1; then three candidates with two seeds
    assert track_sweep(sweep, SWEEP, "demo", uri)[:2] == (2 + 4 + 2 + 6, 0)
    runs = contents(uri, "uhn-demo-sweeps")
    assert len(runs) == 14 + 4
    stage = runs["demo/sweeps/small/stage3"]
    children = {key for key, run in runs.items() if run.data.tags.get(PARENT) == stage.info.run_id}
    assert children == {f"demo/sweeps/small/stage3/{place}/seed1" for place in ("i0_j1", "i1_j1")}
    assert stage.data.metrics == {"validation/accuracy": 0.9, "n_ranked": 7, "n_dropped": 1}
    assert stage.data.params["winner.train_lr"] == "0.2"
    assert "Dropped: stage3/i1_j1, seed 1: diverged, loss not finite" in stage.data.tags["mlflow.note.content"]
    child = runs["demo/sweeps/small/stage3/i0_j1/seed1"]
    assert child.data.metrics["validation/accuracy"] == 0.6
    assert (child.data.params["candidate.train_lr"], child.data.params["candidate.train_budget"]) == ("0.1", "20")
    assert child.data.tags["uhn.slot"] == "stage3/i0_j1"
    assert runs["demo/sweeps/small/stage3/i1_j1/seed1"].info.status == "FAILED"


def test_tracking_again_writes_what_changed(uri, sweep, contents):
    track_sweep(sweep, SWEEP, "demo", uri)
    first = {key: run.info.run_id for key, run in contents(uri, "uhn-demo-sweeps").items()}
    assert track_sweep(sweep, SWEEP, "demo", uri)[:2] == (0, 14)
    assert {key: run.info.run_id for key, run in contents(uri, "uhn-demo-sweeps").items()} == first
    # with one budget two places of stage 3 are gone, and another candidate has the second place of stage 4
    one_budget = replace(SWEEP, train_budget=(10,))
    write_sweep(sweep, one_budget, "demo")
    assert track_sweep(sweep, one_budget, "demo", uri)[:2] == (2 + 2, 2 + 4 + 2)
    second = {key: run.info.run_id for key, run in contents(uri, "uhn-demo-sweeps").items()}
    changed = {key.removeprefix("demo/sweeps/small/") for key in first if second.get(key) != first[key]}
    places = {f"stage4/{place}/seed{seed}" for place in ("r1", "r2") for seed in (2, 3)}
    gone = {f"stage3/{place}/seed1" for place in ("i0_j1", "i1_j1")}
    assert changed == {"stage1", "stage2", "stage3", "stage4"} | gone | places
    assert {key.removeprefix("demo/sweeps/small/") for key in first.keys() - second.keys()} == gone


def test_a_stage_in_which_nothing_ran(uri, sweep, contents):
    """With one budget and no initialisation as the winner all of stage 3 ran in stage 1."""
    one_budget = replace(SWEEP, train_budget=(10,))
    write_sweep(sweep, one_budget, "demo")
    track_sweep(sweep, one_budget, "demo", uri)
    runs = contents(uri, "uhn-demo-sweeps")
    stage = runs["demo/sweeps/small/stage3"]
    assert stage.info.start_time == stage.info.end_time == runs["demo/sweeps/small/stage2"].info.end_time


def test_what_was_made_from_another_candidate_is_not_tracked(uri, sweep, contents):
    folder = sweep / "small/stage1"
    shutil.copy(folder / "i1_j0/seed1/result.json", folder / "i0_j0/seed1/result.json")
    with pytest.raises(UserError, match=r"i0_j0/seed1/result\.json: belongs to run"):
        track_sweep(sweep, SWEEP, "demo", uri)
    assert contents(uri, "uhn-demo-sweeps") == {}
