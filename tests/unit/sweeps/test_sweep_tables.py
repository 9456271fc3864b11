"""Tables and figures of sweeps, from selected.json files alone."""

import csv
import math
from dataclasses import replace

import pytest
from sweep_cases import GRID, SMALL, four_stages, run_stage

from uhn.errors import UserError
from uhn.reporting.sweep_figure import grid_frame, publish_sweep_figure
from uhn.reporting.sweep_frame import build_sweep_frame, gather_outcomes
from uhn.reporting.sweep_tables import TITLES, publish_sweep_table, rate
from uhn.sweeps.grids import Hyperparameters, Metric
from uhn.sweeps.selection import read_selection, write_selection

WINNER = Hyperparameters(0.2, 20, 0.3, 6)
SECOND = Hyperparameters(0.2, 10, 0.3, 6)
OTHER = replace(SMALL, name="other", setting="other")


@pytest.fixture
def selections(tmp_path):
    """A sweep run to its end and read back from its files; the slot stage2/i0_j0 diverged."""
    made = four_stages(
        SMALL,
        {"i0_j0": 0.5, "i1_j0": 0.6},
        {"i0_j1": 0.9, "i1_j0": 0.8, "i1_j1": 0.1},
        {"i0_j0": 0.65, "i0_j1": 0.85, "i1_j1": 0.95},
        {"r0": [0.9, 0.85], "r1": 0.7, "r2": 0.7},
        fail=[("i0_j0", 1)],
    )
    # the failure above also hits stage 1, where lr 0.2 wins anyway, and stage 3
    for selection in made:
        write_selection(tmp_path / f"stage{selection.stage}.json", selection)
    return [read_selection(tmp_path / f"stage{stage}.json", SMALL, "paper") for stage in SMALL.stages]


def outcomes(selections, published=WINNER, full=SMALL):
    return gather_outcomes(
        {"small": SMALL, "other": OTHER},
        {"small": full, "other": OTHER},
        {"small": selections},
        {"small": published} if published else {},
    )


def line_of(frame, hyperparameter, sweep="small"):
    (line,) = frame[(frame["sweep"] == sweep) & (frame["hyperparameter"] == hyperparameter)].to_dict("records")
    return line


def test_frame_of_a_sweep_that_selects_the_papers_values(selections):
    line = line_of(build_sweep_frame(13, outcomes(selections)), "init_steps")
    assert (line["ours"], line["paper"], line["same"]) == (6, 6, True)
    assert (line["grid"], line["full_grid"], line["grid_source"]) == ("5 6", "5 6", "published")
    assert (line["val_mean"], line["n_seeds"]) == (pytest.approx(0.9), 3)  # 0.95, 0.9, 0.85
    assert line["val_std"] == pytest.approx(0.05 * math.sqrt(2 / 3))
    # stage 1: 2, stage 2: 4, stage 3: 4 without the one that ran in stage 2
    assert (line["candidates"], line["dropped"]) == (9, 3)
    assert (line["paper_status"], line["paper_rank"], line["paper_val_mean"]) == ("ranked", 0, 0.95)


@pytest.mark.parametrize(
    ("published", "status", "rank"),
    [
        (SECOND, "ranked", 1),
        (Hyperparameters(0.2, 10, 0.3, 5), "dropped", None),
        (Hyperparameters(0.2, 20, 0.4, 6), "not searched", None),
        (None, "unknown", None),
    ],
)
def test_where_the_papers_choice_came_in(selections, published, status, rank):
    line = line_of(build_sweep_frame(13, outcomes(selections, published)), "init_lr")
    assert line["paper_status"] == status
    assert math.isnan(line["paper_rank"]) if rank is None else line["paper_rank"] == rank


def test_a_sweep_that_was_not_run(selections):
    frame = build_sweep_frame(13, outcomes(selections))
    line = line_of(frame, "train_lr", "other")
    assert math.isnan(line["ours"]) and math.isnan(line["paper"]) and math.isnan(line["same"])
    assert line["n_seeds"] == 0
    unfinished = build_sweep_frame(13, outcomes(selections[:3]))
    assert math.isnan(line_of(unfinished, "train_lr")["ours"])
    assert line_of(unfinished, "train_lr")["paper_rank"] == 0


def markdown(number, made, tmp_path, scale="paper"):
    paths = publish_sweep_table(number, made, tmp_path, scale, "label of the scale")
    assert [path.name for path in paths] == [f"table_{number}.{ending}" for ending in ("csv", "md", "tex")]
    tex = paths[2].read_text()
    assert tex.count(r"\begin{tabular}") == 1 and rf"\setcounter{{table}}{{{number - 1}}}" in tex
    return paths[1].read_text()


def test_printed_grids(selections, tmp_path):
    text = markdown(12, outcomes(selections), tmp_path)
    assert "| Sweep | pioneer budget | init lr | init steps | train lr | train budget | grid |" in text
    assert "| small | 10 epochs | 0.3, 0.4 | 5, 6 | 0.1, 0.2 | 10, 20 | published |" in text
    assert "ours" not in text


def test_printed_grids_that_a_scale_reduces(selections, tmp_path):
    full = replace(SMALL, train_lr=(0.1, 0.2, 0.5))
    text = markdown(12, outcomes(selections, full=full), tmp_path, "demo")
    assert "| 0.1, 0.2 of 0.1, 0.2, 0.5 |" in text
    assert "Demo scale: label of the scale." in text and "searches of this scale are reduced" in text


def test_printed_choices(selections, tmp_path):
    text = markdown(13, outcomes(selections, SECOND), tmp_path)
    expected = (
        "| small | **0.3** | 0.3 | **6** | 6 | **0.2** | 0.2 | 20 | 10 | no | 0.900 ± 0.041 | 2 of 9 |\n"
        "| other | not run | unknown | not run | unknown | not run | unknown | not run | unknown | - | - | - |\n"
    )
    assert text.endswith(expected)
    assert "1 of 2 sweeps were not run to the end: other." in text


def test_printed_grid_and_choice_of_our_own_grids(tmp_path):
    sweep = replace(GRID, grid_table=16, selected_table=16, published=False)
    first = run_stage(sweep, 1, {"i0_j0": 0.1, "i0_j1": 0.2, "i1_j0": 0.3, "i1_j1": 0.4})
    last = run_stage(sweep, 4, {"r0": 0.4, "r1": 0.3, "r2": 0.2}, first)
    made = gather_outcomes({"grid": sweep}, {"grid": sweep}, {"grid": [first, last]}, {})
    text = markdown(16, made, tmp_path)
    assert "| grid | train lr | 0.1, 0.2 | ours | 0.2 | unknown | - | 0.4000 ± 0.0000 | - |" in text
    assert "|  | train budget (epochs) | 10, 20 | ours | 20 | unknown | - |  |  |" in text
    assert "lost these grids: they are ours" in text
    assert "init" not in text.split("\n\n")[-1]


def test_printed_guardrails(selections, tmp_path):
    full = replace(SMALL, metrics=(Metric("validation/accuracy", 0.95),))
    text = markdown(20, outcomes(selections, full=full), tmp_path)
    assert "| small | validation/accuracy | \\>= 0.95 | no | 0.900 ± 0.041 | no |" in text
    assert "other" not in text.split("\n\n")[-1]


def test_tables_of_the_paper_that_are_no_sweep_tables(selections, tmp_path):
    assert set(TITLES) == {12, 13, 14, 15, 16, 18, 19, 20, 21, 22}
    with pytest.raises(UserError, match="table 17 is no sweep table; expected one of 12, 13"):
        publish_sweep_table(17, outcomes(selections), tmp_path, "paper", "label")
    with pytest.raises(UserError, match="selections of unknown sweep 'nope'"):
        gather_outcomes({"small": SMALL}, {"small": SMALL}, {"nope": selections}, {})


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (2e-4, "2e-4"), (2.5e-6, "2.5e-6"), (1e-3, "0.001"), (0.05, "0.05"), (9.9999e-4, "1e-3")],
)
def test_rates(value, text):
    assert rate(value) == text


def test_every_candidate_of_the_grid_is_in_the_figure(selections):
    lines = {(line["stage"], line["slot"]): line for line in grid_frame(outcomes(selections)[0]).to_dict("records")}
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


def test_the_figure_is_reproducible_and_needs_a_finished_search(selections, tmp_path):
    outcome = outcomes(selections)[0]
    one, two = publish_sweep_figure(outcome, tmp_path / "one"), publish_sweep_figure(outcome, tmp_path / "two")
    assert [path.suffix for path in one] == [".csv", ".pdf", ".png"]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert one[1].read_bytes().startswith(b"%PDF") and one[2].read_bytes().startswith(b"\x89PNG")
    with one[0].open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 13
    with pytest.raises(UserError, match="sweep small: no selection of stage 3 to draw"):
        grid_frame(outcomes(selections[:2])[0])
