"""What is read from a run directory."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from run_files import edit, sha256, write_run

from uhn.errors import UserError
from uhn.sweeps.expected import Expectation
from uhn.tracking import runs
from uhn.tracking.variants import variant_groups

START_MS = 1738324800000  # 2025-01-31T12:00:00Z


def line(number, phase="train", **values):
    return {"step": number, "phase": phase, "loss": 1.0, "lr": 0.1, "elapsed_s": 0.5 * number} | values


def test_curves_have_phase_names_and_recorded_times(make_run):
    run = runs.read_run(make_run(lines=[line(0, "init"), line(1, loss=0.25, peak_memory_bytes=7)]))
    assert run.points == [
        ("init/loss", 1.0, START_MS, 0),
        ("init/lr", 0.1, START_MS, 0),
        ("train/loss", 0.25, START_MS + 500, 1),
        ("train/lr", 0.1, START_MS + 500, 1),
        ("train/peak_memory_bytes", 7, START_MS + 500, 1),
    ]
    assert (run.start_ms, run.end_ms) == (START_MS, START_MS + 12500)


def test_without_elapsed_seconds_the_step_orders_the_points(make_run):
    run = runs.read_run(make_run(lines=[{"step": 7, "phase": "train", "loss": 1.0}]))
    assert run.points == [("train/loss", 1.0, START_MS + 7, 7)]


def test_end_is_never_before_the_last_step(make_run):
    assert runs.read_run(make_run(lines=[line(0, elapsed_s=99.0)])).end_ms == START_MS + 99000


@pytest.mark.parametrize("started", ["2025-01-31T12:00:00Z", "2025-01-31T12:00:00", "2025-01-31T13:00:00+01:00"])
def test_start_times_in_all_iso_forms(make_run, started):
    assert runs.read_run(make_run(run={"started_at": started})).start_ms == START_MS


@pytest.mark.parametrize(
    "change",
    [
        {"run": {"started_at": "2025-02-01T12:00:00+00:00"}},
        {"lines": [line(0)]},
        {"result": {"metrics": {"test/rmse": 0.25}}},
        {"config": {"depth": 1}},
    ],
)
def test_digest_depends_on_every_file(make_run, change):
    first = runs.read_run(make_run()).digest
    assert runs.read_run(make_run()).digest == first
    assert runs.read_run(make_run(**change)).digest != first


@pytest.mark.parametrize("name", runs.FILES)
def test_a_missing_file_is_named(make_run, name):
    path = make_run()
    (path / name).unlink()
    with pytest.raises(UserError, match=f"{name} missing"):
        runs.read_run(path)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("result.json", lambda text: text[: len(text) // 2], "result.json: not a readable JSON file"),
        ("result.json", lambda text: text.replace('"schema_version": 2', '"schema_version": 0'), "reads 2"),
        ("result.json", lambda text: text.replace('"completed"', '"crashed"'), "status: 'crashed' is not one of"),
        ("result.json", lambda text: text.replace("0.5", "0.25"), "result.json: edited or damaged"),
        ("run.json", lambda text: text[:30], "run.json: not a readable JSON file"),
        ("run.json", lambda text: text.replace('"schema_version": 2', '"schema_version": 9'), "reads 2"),
        ("run.json", lambda text: "[]", "reads 2"),
        ("run.json", lambda text: text.replace('"config"', '"setup"'), "unknown key 'setup'"),
        ("metrics.jsonl", lambda text: text[:-10], "metrics.jsonl: differs from the file that result.json names"),
        ("metrics.jsonl", lambda text: "\x00" + text, "metrics.jsonl, line 1"),
    ],
)
def test_damaged_files_are_one_clear_line(make_run, name, change, message):
    path = make_run()
    (path / name).write_text(change((path / name).read_text()))
    with pytest.raises(UserError, match=message) as caught:
        runs.read_run(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"run": {"started_at": "31 January"}}, "started_at"),
        ({"lines": [line(0), line(1, step="1")]}, "metrics.jsonl, line 3"),
        ({"result": {"seed": 5}}, "seed is 5, expected 0 as in run.json"),
    ],
)
def test_files_that_fit_but_hold_nonsense_are_one_clear_line(make_run, change, message):
    with pytest.raises(UserError, match=message) as caught:
        runs.read_run(make_run(**change))
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_a_clear_line(make_run):
    path = make_run()
    metrics = path / "metrics.jsonl"
    metrics.write_bytes(metrics.read_bytes().splitlines(keepends=True)[0] + b'{"step": 0, "phase": "\xff"}\n')
    edit(path / "result.json", lambda result: result.update(metrics_sha256=sha256(metrics)))
    with pytest.raises(UserError, match=r"metrics\.jsonl"):
        runs.read_run(path)


def test_names_that_could_break_a_query_are_refused(make_run):
    with pytest.raises(UserError, match="not a plain name"):
        runs.read_run(make_run(variant="it's"))


def test_a_run_that_its_place_does_not_expect_is_refused(tmp_path):
    """Among results of a known scale, the path says which run it is."""
    folder = tmp_path / "results/demo/runs/kan_kv/uhn/seed1"
    config = Expectation("demo").config("kan_kv", "uhn", 1)
    assert runs.read_run(write_run(folder, config)).key == "demo/kan_kv/uhn/seed1"
    write_run(folder, replace(config, train=replace(config.train, lr=0.3)))
    with pytest.raises(UserError, match=r"train\.lr is 0\.3, expected .*; rerun its job, restore the config"):
        runs.read_run(folder)
    write_run(folder, replace(config, seed=2))
    with pytest.raises(UserError, match="is kan_kv/uhn/seed2 at scale demo, expected kan_kv/uhn/seed1 at scale demo"):
        runs.read_run(folder)
    shutil.move(folder, tmp_path / "mine")
    assert runs.read_run(tmp_path / "mine").key == "demo/kan_kv/uhn/seed2"


def test_runs_of_one_variant_have_one_configuration(make_run):
    """Their mean would be that of nothing."""
    folders = [make_run(seed=seed, config={"depth": 1} if seed == 2 else {}) for seed in (0, 1, 2)]
    assert len(variant_groups(map(runs.read_run, folders[:2]))) == 1
    with pytest.raises(UserError, match=r"seed2: depth is 1, expected None as in .*seed0; track runs of one"):
        variant_groups(map(runs.read_run, folders))
