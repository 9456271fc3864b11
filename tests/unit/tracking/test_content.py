"""How a run is put into words and numbers, without a store."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from uhn.tracking import content, runs

START_MS = 1738324800000  # 2025-01-31T12:00:00Z


def line(step, phase="train", **values):
    return {"step": step, "phase": phase, "loss": 1.0, "lr": 0.1, "elapsed_s": 0.5 * step} | values


def test_values_that_are_not_finite_are_left_out_and_counted(make_run):
    lines = [
        line(0, loss=None),
        line(1, loss=None, lr=None),
        line(2, text="no number", ok=True),
    ]
    run = runs.read_run(make_run(lines=lines))
    assert [point.step for point in run.points if point.key == "train/loss"] == [2]
    assert {point.key for point in run.points} == {"train/loss", "train/lr"}
    assert run.skipped == 3
    assert content.tags_of(run)["uhn.skipped_values"] == "3"


def test_final_metrics_stay_out_of_the_curves(make_run):
    values = {point.key: point for point in content.final_points(runs.read_run(make_run()))}
    assert values["final/train/loss"] == ("final/train/loss", 0.125, START_MS + 12500, 0)
    assert values["test/rmse"].value == 0.5
    assert "train/loss" not in values
    assert values["cost/wall_s"].value == 12.5
    assert values["parameters/run/target"].value == 1200
    assert values["parameters/paper/printed"].value == 400


def test_params_are_flat_scalars_within_the_limit(make_run):
    config = {
        "a": {"b": {"c": 1e-5}, "flag": True, "none": None},
        "list": [1, 2],
        "ü": "Größe 模型",
        "bad=key": "x",
    }
    run = runs.read_run(make_run(seed=4))
    run = replace(run, run={"config": config | {"long": "é" * 6001, "fits": "é" * 6000}})
    params = content.params_of(run)
    assert params["long"].endswith(" ... [cut, 6001 characters]")
    assert [len(params[key]) for key in ("long", "fits")] == [6000, 6000]
    assert {key: params[key] for key in params if key not in ("long", "fits")} == {
        "seed": "4", "a.b.c": "1e-05", "a.flag": "true", "a.none": "null", "list": "[1, 2]",
        "ü": "Größe 模型", "bad_key": "x",
    }  # fmt: skip


def test_tags_name_the_run_and_its_origin(make_run):
    tags = content.tags_of(runs.read_run(make_run(seed=2)))
    assert tags["uhn.run_key"] == "demo/kan/uhn/seed2"
    assert tags["mlflow.source.git.commit"] == "0123456789abcdef0123456789abcdef01234567"
    assert (tags["uhn.code_version"], tags["uhn.provenance.dirty"]) == ("3", "false")
    run = runs.read_run(make_run(run={"provenance": {"commit": None}}))
    assert "mlflow.source.git.commit" not in content.tags_of(run)


@given(st.text(max_size=40), st.integers(30, 60))
def test_cut_texts_fit(text, limit):
    shortened = content.cut(text, limit)
    assert len(shortened) <= limit
    assert (shortened == text) == (len(text) <= limit)
