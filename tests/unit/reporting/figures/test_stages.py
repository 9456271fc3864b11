"""The figure of a sweep: every candidate, stage by stage."""

import csv
import math

import pytest
from synthetic_sweeps import decided

from uhn.errors import UserError
from uhn.reporting.figures.publish_figure import publish_stages
from uhn.reporting.figures.stages import stages_frame


def test_every_candidate_of_the_grid_is_in_the_figure(selections):
    lines = {(line["stage"], line["slot"]): line for line in stages_frame(decided(selections)[0]).to_dict("records")}
    assert len(lines) == 2 + 4 + 4 + 3
    assert (lines[3, "i1_j1"]["mean"], lines[3, "i1_j1"]["winner"], lines[3, "i1_j1"]["paper"]) == (0.95, True, True)
    skipped, original = lines[3, "i1_j0"], lines[2, "i0_j1"]
    assert (skipped["status"], skipped["note"], skipped["mean"]) == ("skipped", "ran in stage 2 as i0_j1", 0.9)
    assert (original["status"], original["mean"]) == ("ranked", 0.9)
    diverged = lines[2, "i0_j0"]
    assert diverged["status"] == "dropped" and math.isnan(diverged["mean"])
    assert diverged["note"] == "seed 1: diverged, loss not finite at train step 7"
    assert lines[4, "r0"]["values"] == "0.95 0.9 0.85"
    assert [key for key, line in lines.items() if line["winner"]] == [(3, "i1_j1"), (4, "r0")]


def test_the_files_are_the_same_bytes_twice(selections, tmp_path, captions):
    sweep = decided(selections)[0]
    one, two = (
        publish_stages(sweep, tmp_path / "sweeps", tmp_path / name, "demo", "short").paths for name in ("one", "two")
    )
    assert [path.name for path in one] == [f"stages.{ending}" for ending in ("pdf", "png", "csv", "json")]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert one[0].read_bytes().startswith(b"%PDF") and one[1].read_bytes().startswith(b"\x89PNG")
    with one[2].open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 13
    assert captions[0] == (
        "Sweep small, stage by stage. Demo scale: short. Validation metric, mean over seeds; "
        "red: our choice; dashed: the paper's."
    )


def test_it_needs_a_finished_search(selections, tmp_path):
    with pytest.raises(UserError, match="sweep small: no selection of stage 3 to draw"):
        publish_stages(decided(selections[:2])[0], tmp_path / "sweeps", tmp_path / "out", "demo", "short")
    assert not (tmp_path / "out").exists()
