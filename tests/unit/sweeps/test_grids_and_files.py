"""Slots, malformed sweep files, and the round trip of what stages write."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import yaml
from sweep_cases import SMALL, four_stages

from uhn.errors import UserError
from uhn.paths import config_dir
from uhn.sweeps.grids import Hyperparameters, Slot
from uhn.sweeps.load import load_sweep, load_sweeps
from uhn.sweeps.selection import (
    SKIPPED,
    CandidateResult,
    read_candidate,
    read_selection,
    write_candidate,
    write_selection,
)


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


def test_an_unknown_sweep_is_named_with_a_hint():
    with pytest.raises(UserError, match="unknown sweep 'kan_kw'; did you mean 'kan_"):
        load_sweep("kan_kw", "paper")


def remove_pioneer(data):
    del data["groups"][0]["pioneer_budget"]


def pioneer_in_a_grid_search(data):
    group = next(group for group in data["groups"] if group["search"] == "grid")
    group["pioneer_budget"] = 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove_pioneer, "'pioneer_budget' is a required property"),
        (pioneer_in_a_grid_search, "pioneer_budget: not allowed here"),
        (lambda d: d["groups"].append(d["groups"][0]), "two groups tune variant 'uhn' of mnist_mlp; keep one"),
        (lambda d: d["groups"][0].update(train_lr=["1e-4"]), r"train_lr.0: expected number, got '1e-4' \(a string"),
        (lambda d: d["groups"][0].update(lr=[1.0]), "unknown key 'lr'"),
        (lambda d: d["groups"][0]["metrics"][0].update(name="test/accuracy"), "'test/accuracy' does not match"),
        (lambda d: d.update(seeds=[1, 2]), "sweep mnist_mlp: needs 3 seeds, the list has 2"),
        (
            lambda d: d["reductions"].update(paper=d["reductions"]["demo"] | {"keep": {"init_lr": [3]}}),
            "sweep mnist_mlp: reduction keeps position 3 of init_lr, which has 3 values",
        ),
    ],
)
def test_malformed_files_are_explained(tmp_path, change, message):
    data = yaml.safe_load((config_dir() / "sweeps.yaml").read_text())
    change(data)
    path = tmp_path / "sweeps.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(UserError, match=message) as caught:
        load_sweeps("paper", path)
    assert "\n" not in str(caught.value)


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


def test_sweeps_import_nothing_heavy():
    code = "import sys, uhn.sweeps.load, uhn.sweeps.stages; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "uhn.sweeps.selection" in loaded
    assert not {"torch", "numpy", "scipy", "pandas", "matplotlib", "mlflow"} & set(loaded)
