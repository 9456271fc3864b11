"""Files of a sweep: each from what stands before it, and what says that one is not."""

import json
import shutil
from dataclasses import replace

import pytest
from run_files import edit
from sweep_files import SWEEP, VALUES, write_stage, write_sweep

from uhn.errors import UserError
from uhn.sweeps.files import read_decided, read_final, read_previous
from uhn.sweeps.grids import Hyperparameters, Slot
from uhn.sweeps.identity import candidate_problem, read_stage, selection_problem
from uhn.sweeps.selection import read_selection

FIRST = "stage1/i0_j0/seed1"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    sweeps = tmp_path_factory.mktemp("sweeps")
    write_sweep(sweeps, SWEEP, "demo")
    return sweeps


@pytest.fixture
def sweeps(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "sweeps")
    return tmp_path / "sweeps"


def problems(sweeps, source=None):
    """Everything that does not fit, in order."""
    found = []
    for stage in SWEEP.stages:
        previous = read_previous(sweeps, SWEEP, "demo", stage)
        for slot in SWEEP.slots(stage):
            for seed in SWEEP.seeds(stage):
                found.append(candidate_problem(sweeps, SWEEP, "demo", slot, seed, previous, source))
        found.append(selection_problem(sweeps, SWEEP, "demo", stage))
    found = [problem for problem in found if problem]
    assert not any("\n" in problem for problem in found)
    return found


def test_a_sweep_fits_whatever_the_times_of_its_files(sweeps):
    for path in sweeps.rglob("*.json"):
        path.touch()
    assert problems(sweeps) == []
    assert len(read_decided(sweeps, SWEEP, "demo")) == 4


def test_the_result_of_another_candidate_is_refused(sweeps):
    """F4: in the place of its own."""
    shutil.copy(sweeps / "small/stage1/i1_j0/seed1/result.json", sweeps / "small" / FIRST / "result.json")
    (problem,) = problems(sweeps)
    assert "result.json: belongs to run " in problem and ", expected " in problem
    with pytest.raises(UserError, match=r"i0_j0/seed1/result\.json: belongs to run"):
        read_stage(sweeps, SWEEP, "demo", 1)


def test_the_whole_folder_of_another_candidate_is_refused(sweeps):
    shutil.rmtree(sweeps / "small" / FIRST)
    shutil.copytree(sweeps / "small/stage1/i1_j0/seed1", sweeps / "small" / FIRST)
    assert any("train.lr is " in problem and ", expected " in problem for problem in problems(sweeps))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda d: d["metrics"].update({"validation/accuracy": 0.99}),
            "metrics is {'validation/accuracy': 0.99}",
        ),
        (lambda d: d.update(seed=2), "seed is 2, expected 1"),
        (lambda d: d.update(slot="stage1/i1_j0"), "slot is stage1/i1_j0, expected stage1/i0_j0"),
        (lambda d: d["hyperparameters"].update(train_lr=0.3), "hyperparameters is .*, expected"),
        (lambda d: d.update(config_digest="0" * 64), "config_digest is 0000"),
        (lambda d: d.update(result_sha256="0" * 64), "result_sha256 is 0000"),
        (lambda d: d.update(status="skipped"), "status is skipped, expected completed"),
    ],
)
def test_what_a_candidate_reports_is_what_its_run_says(sweeps, change, message):
    edit(sweeps / "small" / FIRST / "candidate.json", change)
    with pytest.raises(UserError, match=rf"{FIRST}/candidate\.json: {message}") as caught:
        read_stage(sweeps, SWEEP, "demo", 1)
    assert "\n" not in str(caught.value)


def test_a_candidate_published_without_its_result(sweeps):
    """Its identity is still checked; its metrics are those of its seal."""
    folder = sweeps / "small" / FIRST
    for name in ("result.json", "training.json", "metrics.jsonl"):
        (folder / name).unlink()
    assert "result.json: no such file" in problems(sweeps)[0]
    edit(folder / "candidate.json", lambda d: d.update(result_sha256=None))
    assert candidate_problem(sweeps, SWEEP, "demo", Slot(1, 0, 0), 1, None) is None
    edit(folder / "candidate.json", lambda d: d["hyperparameters"].update(train_lr=0.2))
    assert "hyperparameters is" in candidate_problem(sweeps, SWEEP, "demo", Slot(1, 0, 0), 1, None)
    other = sweeps / "small/stage1/i1_j0/seed1/run.json"
    shutil.copy(other, folder / "run.json")
    assert "train.lr is" in candidate_problem(sweeps, SWEEP, "demo", Slot(1, 0, 0), 1, None)


def test_the_source_of_the_data_is_part_of_a_candidate(sweeps, monkeypatch):
    """A formula reads no data: any source will do."""
    assert problems(sweeps, "download") == problems(sweeps, "standin") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d["winner"].update(train_lr=0.15), "its winner is .*, expected .*, the first of its ranking"),
        (lambda d: d["winner"].update(train_lr=-1.0), "winner.train_lr: -1.0 is less than or equal to the minimum"),
        (lambda d: d["winner"].update(train_budget=0), "winner.train_budget: 0 is less than the minimum of 1"),
        (
            lambda d: d.update(sweep_digest="0" * 64),
            "decided by sweep small as 000000000000, config",
        ),
    ],
)
def test_a_winner_that_was_edited_is_refused(sweeps, change, message):
    """F4: `train --selected` reads it through read_final."""
    path = sweeps / "small/stage4/selected.json"
    edit(path, change)
    with pytest.raises(UserError, match=message) as caught:
        read_final(path, SWEEP, "demo")
    assert "\n" not in str(caught.value)
    assert selection_problem(sweeps, SWEEP, "demo", 4) is not None


def test_an_edit_without_a_new_seal_is_refused(sweeps):
    path = sweeps / "small/stage4/selected.json"
    edit(path, lambda d: d.update(note="mine"), seal=False)
    with pytest.raises(UserError, match="edited or damaged"):
        read_final(path, SWEEP, "demo")


def test_a_decision_that_its_candidates_do_not_give_is_found(sweeps):
    """The second of the ranking put first, winner and all."""
    path = sweeps / "small/stage4/selected.json"

    def swap(data):
        data["ranking"].insert(0, data["ranking"].pop(1))
        data["winner"] = data["ranking"][0]["hyperparameters"]

    edit(path, swap)
    assert read_final(path, SWEEP, "demo").winner == Hyperparameters(**json.loads(path.read_text())["winner"])
    assert "its winner is not what its candidates and the decision before give" in problems(sweeps)[-1]


def test_a_stage_that_is_decided_again_leaves_the_later_ones_undecided(sweeps):
    """They name the decision before."""
    write_stage(sweeps, SWEEP, "demo", 1, {"i0_j0": 0.5, "i1_j0": 0.95})
    with pytest.raises(UserError, match=r"stage2/selected\.json: decided after decision .{12}, expected .{12}"):
        read_decided(sweeps, SWEEP, "demo")
    assert "its ranking is not what" in selection_problem(sweeps, SWEEP, "demo", 2)


def test_another_definition_of_the_sweep_is_another_sweep(sweeps):
    path = sweeps / "small/stage1/selected.json"
    for change in ({"train_lr": (0.1, 0.3)}, {"search_seeds": (2,)}, {"metrics": ()}, {"pioneer_budget": 20}):
        with pytest.raises(UserError, match="decide it again: uhn sweep select --sweep small --stage 1 --scale demo"):
            read_selection(path, replace(SWEEP, **change), "demo")
    assert read_selection(path, replace(SWEEP, num_final=9), "demo").winner.train_lr == 0.2
    assert VALUES[1]["i1_j0"] > VALUES[1]["i0_j0"]
