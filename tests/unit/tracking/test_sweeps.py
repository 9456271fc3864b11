"""A sweep in an MLflow store: a parent for each stage, its candidates beneath it, nothing twice."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from sweep_cases import SMALL

from uhn.paths import selection_file
from uhn.sweeps.candidate import SKIPPED
from uhn.sweeps.files import candidate_file, read_previous
from uhn.sweeps.selection import write_candidate, write_selection
from uhn.sweeps.stages import candidate_at, select
from uhn.tracking import track_sweep

PARENT = "mlflow.parentRunId"
# lr 0.2 is better than 0.1, no initialisation is best: all of stage 3 at the pioneer budget ran before
VALUES = {1: {"i0_j0": 0.5, "i1_j0": 0.9}, 2: dict.fromkeys(["i0_j0", "i0_j1", "i1_j0", "i1_j1"], 0.4)}
VALUES |= {3: {"i0_j1": 0.6, "i1_j1": None}, 4: {"r0": 0.9, "r1": 0.7, "r2": 0.6}}


@pytest.fixture
def sweep(tmp_path, make_run):
    """Write a whole sweep of candidates; stage3/i1_j1 diverged."""
    sweeps = tmp_path / "sweeps"
    for stage in SMALL.stages:
        previous = read_previous(sweeps, SMALL, "demo", stage)
        results = []
        for slot in SMALL.slots(stage):
            for seed in SMALL.seeds(stage):
                result = outcome(candidate_at(SMALL, slot, previous), seed, VALUES[stage].get(slot.name))
                path = candidate_file(sweeps, SMALL, slot, seed)
                if result.status != SKIPPED:
                    state = {
                        "status": result.status,
                        "reason": result.reason,
                        "metrics": {k: v for k, (v,) in result.values.items()},
                    }
                    shutil.move(make_run(setting="small", seed=seed, result=state), path.parent)
                write_candidate(path, SMALL, "demo", result)
                results.append(result)
        write_selection(selection_file(sweeps, SMALL.name, stage), select(SMALL, "demo", stage, results, previous))
    return sweeps


def outcome(candidate, seed, value):
    if candidate.status == SKIPPED:
        return replace(candidate, seeds=(seed,))
    if value is None:
        return candidate.diverged(seed, "loss not finite at train step 3")
    return candidate.completed(seed, {"validation/accuracy": value})


def test_stages_and_their_candidates(uri, sweep, contents):
    # 2 + 4 + 4 places, two of stage 3 ran in stage 1; then three candidates with two seeds
    assert track_sweep(sweep, SMALL, "demo", uri)[:2] == (2 + 4 + 2 + 6, 0)
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
    track_sweep(sweep, SMALL, "demo", uri)
    first = {key: run.info.run_id for key, run in contents(uri, "uhn-demo-sweeps").items()}
    assert track_sweep(sweep, SMALL, "demo", uri)[:2] == (0, 14)
    assert {key: run.info.run_id for key, run in contents(uri, "uhn-demo-sweeps").items()} == first
    # one place is skipped now: its run goes, and so does the parent that counted it
    path = sweep / "small/stage3/i1_j1/seed1/candidate.json"
    record = json.loads(path.read_text()) | {"status": "skipped", "hyperparameters": None}
    path.write_text(json.dumps(record))
    assert track_sweep(sweep, SMALL, "demo", uri)[:2] == (0, 13)
    second = {key: run.info.run_id for key, run in contents(uri, "uhn-demo-sweeps").items()}
    changed = {key for key in first if second.get(key) != first[key]}
    assert changed == {"demo/sweeps/small/stage3", "demo/sweeps/small/stage3/i1_j1/seed1"}


def test_a_stage_in_which_nothing_ran(uri, sweep, contents):
    """With one budget and no initialisation as the winner all of stage 3 ran in stage 1."""
    for place in ("i0_j1", "i1_j1"):
        shutil.rmtree(sweep / "small/stage3" / place)
    sweep_of_one_budget = replace(SMALL, train_budget=(10,))
    track_sweep(sweep, sweep_of_one_budget, "demo", uri)
    runs = contents(uri, "uhn-demo-sweeps")
    stage = runs["demo/sweeps/small/stage3"]
    assert stage.info.start_time == stage.info.end_time == runs["demo/sweeps/small/stage2"].info.end_time
