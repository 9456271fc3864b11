"""The long frame of a table of sweeps, from selected.json files alone."""

import math
from dataclasses import replace

import pytest
from sweep_cases import SMALL
from synthetic_sweeps import SECOND, WINNER, decided, printed, sweep_table

from uhn.errors import UserError
from uhn.reporting.collect_sweeps import DecidedSweep, PrintedSearch
from uhn.reporting.sweep_frame import build_sweep_frame
from uhn.sweeps.grids import Hyperparameters, Metric

CHOICES = sweep_table("sweep_choices")


def line_of(sweeps, hyperparameter, name="small", comparable=True):
    frame = build_sweep_frame(CHOICES, sweeps, comparable)
    (line,) = frame[(frame["sweep"] == name) & (frame["hyperparameter"] == hyperparameter)].to_dict("records")
    return line


def test_a_sweep_that_selects_the_papers_values(selections):
    line = line_of(decided(selections), "init_steps")
    assert (line["ours"], line["paper"], line["same"]) == (6, 6, True)
    assert math.isnan(line_of(decided(selections), "init_steps", comparable=False)["same"])
    assert (line["grid"], line["full_grid"], line["grid_source"]) == ("5 6", "5 6", "published")
    assert (line["val_mean"], line["n_seeds"]) == (pytest.approx(0.9), 3)  # 0.95, 0.9, 0.85
    assert line["val_std"] == pytest.approx(0.05 * math.sqrt(2 / 3))
    # stage 1: 2, stage 2: 4, stage 3: 4 without the one that ran in stage 2
    assert (line["candidates"], line["dropped"]) == (9, 3)
    assert (line["paper_status"], line["paper_rank"], line["paper_val_mean"]) == ("ranked", 0, 0.95)


@pytest.mark.parametrize(
    ("choice", "status", "rank"),
    [
        (SECOND, "ranked", 1),
        (Hyperparameters(0.2, 10, 0.3, 5), "dropped", None),
        (Hyperparameters(0.2, 20, 0.4, 6), "not searched", None),
        (None, "unknown", None),
    ],
)
def test_where_the_papers_choice_came_in(selections, choice, status, rank):
    line = line_of(decided(selections, choice), "init_lr")
    assert line["paper_status"] == status
    assert math.isnan(line["paper_rank"]) if rank is None else line["paper_rank"] == rank


def test_a_sweep_that_was_not_run(selections):
    line = line_of(decided(selections), "train_lr", "other")
    assert math.isnan(line["ours"]) and math.isnan(line["paper"]) and math.isnan(line["same"])
    assert line["n_seeds"] == 0
    unfinished = decided(selections[:3])
    assert math.isnan(line_of(unfinished, "train_lr")["ours"])
    assert line_of(unfinished, "train_lr")["paper_rank"] == 0


def test_a_grid_is_published_where_the_paper_prints_it(selections):
    """An edited grid is ours, whatever else the paper prints; the reduction of a scale does not matter."""
    edited = replace(SMALL, train_lr=(0.1, 0.2, 0.7))
    sweeps = [DecidedSweep(SMALL, edited, selections, printed(SMALL))]
    assert [line_of(sweeps, name)["grid_source"] for name in ("train_lr", "init_lr")] == ["ours", "published"]
    full = replace(SMALL, train_lr=(0.1, 0.2, 0.5))
    assert line_of([DecidedSweep(SMALL, full, selections, printed(full))], "train_lr")["grid_source"] == "published"
    assert line_of([DecidedSweep(SMALL, SMALL, selections, PrintedSearch())], "train_lr")["grid_source"] == "ours"
    lost = PrintedSearch(13, WINNER, {"train_lr": ()})
    assert line_of([DecidedSweep(SMALL, SMALL, selections, lost)], "train_lr")["grid_source"] == "ours"


def test_guardrails(selections):
    bound = Metric("validation/accuracy", 0.95)
    frame = build_sweep_frame(
        sweep_table("guardrails", 20), decided(selections, full=replace(SMALL, metrics=(bound,))), True
    )
    (line,) = frame.to_dict("records")
    assert (line["table"], line["sweep"], line["metric"]) == (20, "small", "validation/accuracy")
    assert (line["guardrail"], line["direction"], line["in_force"], line["met"]) == (0.95, ">=", False, False)
    assert (line["val_mean"], line["n_seeds"]) == (pytest.approx(0.9), 3)
    in_force = DecidedSweep(replace(SMALL, metrics=(bound,)), replace(SMALL, metrics=(bound,)), selections)
    assert build_sweep_frame(sweep_table("guardrails"), [in_force], True)["in_force"].tolist() == [True]
    with pytest.raises(UserError, match="table_13: none of its sweeps has a guardrail"):
        build_sweep_frame(sweep_table("guardrails"), decided(selections), True)
