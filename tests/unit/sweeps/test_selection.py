"""The round trip of what stages decide and of what candidates report."""

import json
from dataclasses import replace

import pytest
from sweep_cases import SMALL, four_stages

from uhn.errors import UserError
from uhn.paths import REPOSITORY
from uhn.sweeps.candidate import SKIPPED, Candidate
from uhn.sweeps.files import read_sources
from uhn.sweeps.grids import Hyperparameters, Slot
from uhn.sweeps.load import load_sweep
from uhn.sweeps.selection import Sources, read_candidate, read_selection, write_candidate, write_selection

SOURCES = Sources(SMALL.digest, "0" * 64, None)
PUBLISHED = sorted((REPOSITORY / "results/published").glob("*/sweeps/*/stage*/selected.json"))


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
        write_selection(path, selection, SOURCES)
        assert read_selection(path, SMALL, "paper") == selection
    assert [one.slot.key for one in selections[-1].dropped] == ["stage2/i1_j1", "stage3/i1_j1"]


def test_the_file_states_means_spreads_and_ranks(tmp_path, selections):
    path = tmp_path / "selected.json"
    write_selection(path, selections[-1], SOURCES)
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
    """One completed, one diverged, one skipped."""
    planned = Candidate(Slot(2, 0, 1), Hyperparameters(0.1, 10, 0.3, 6))
    for candidate in (
        planned.completed(1, {"validation/accuracy": 0.5, "validation/loss": 1 / 3}),
        planned.diverged(1, "loss not finite at train step 7"),
        Candidate(Slot(4, 2), None, SKIPPED, (2,), reason="too few", same_as=Slot(1, 1)),
    ):
        write_candidate(tmp_path / "candidate.json", SMALL, "paper", candidate)
        assert read_candidate(tmp_path / "candidate.json", SMALL, "paper") == candidate


def test_the_layout_of_candidate_json(tmp_path):
    candidate = Candidate(Slot(3, 0, 1), Hyperparameters(0.1, 20, 0.3, 6)).completed(7, {"validation/rmse": 0.25})
    write_candidate(tmp_path / "candidate.json", SMALL, "paper", candidate)
    *content, (last, seal) = json.loads((tmp_path / "candidate.json").read_text()).items()
    assert (last, len(seal)) == ("content_sha256", 64)
    assert content == [
        ("schema_version", 2),
        ("sweep", "small"),
        ("scale", "paper"),
        ("slot", "stage3/i0_j1"),
        ("seed", 7),
        ("status", "completed"),
        ("hyperparameters", {"train_lr": 0.1, "train_budget": 20, "init_lr": 0.3, "init_steps": 6}),
        ("metrics", {"validation/rmse": 0.25}),
        ("reason", None),
        ("same_as", None),
        ("config_digest", None),
        ("result_sha256", None),
    ]


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_published_selections_are_read_and_written_byte_for_byte(path, tmp_path):
    scale, _, name = path.parts[-5:-2]
    selection = read_selection(path, load_sweep(name, scale), scale)
    sources = read_sources(path.parents[2], load_sweep(name, scale), scale, selection.stage)
    write_selection(tmp_path / "selected.json", selection, sources)
    assert (tmp_path / "selected.json").read_bytes() == path.read_bytes()


def test_files_of_another_sweep_or_scale_are_refused(tmp_path, selections):
    path = tmp_path / "selected.json"
    write_selection(path, selections[0], SOURCES)
    with pytest.raises(UserError, match="belongs to sweep small at scale paper, expected small at scale demo"):
        read_selection(path, SMALL, "demo")
    with pytest.raises(UserError, match="expected other at scale paper"):
        read_selection(path, replace(SMALL, name="other"), "paper")


def test_a_damaged_file_is_refused(tmp_path, selections):
    path = tmp_path / "selected.json"
    write_selection(path, selections[0], SOURCES)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(UserError, match="not a readable JSON file"):
        read_selection(path, SMALL, "paper")
