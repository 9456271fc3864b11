"""What is read from a run directory."""

from __future__ import annotations

import json

import pytest

from uhn.errors import UserError
from uhn.tracking import runs

START_MS = 1738324800000  # 2025-01-31T12:00:00Z


def line(step, phase="train", **values):
    return {"step": step, "phase": phase, "loss": 1.0, "lr": 0.1, "elapsed_s": 0.5 * step} | values


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


def test_digest_depends_on_every_file(make_run):
    path = make_run()
    seen = {runs.read_run(path).digest}
    for name, text in (
        ("run.json", " "),
        ("metrics.jsonl", json.dumps(line(9)) + "\n"),
        ("result.json", "\n"),
    ):
        with open(path / name, "a") as file:
            file.write(text)
        seen.add(runs.read_run(path).digest)
    assert len(seen) == 4
    assert runs.read_run(path).digest in seen


@pytest.mark.parametrize("name", runs.FILES)
def test_a_missing_file_is_named(make_run, name):
    path = make_run()
    (path / name).unlink()
    with pytest.raises(UserError, match=f"{name} missing"):
        runs.read_run(path)


def damage(path, name, change):
    text = (path / name).read_text()
    (path / name).write_text(change(text))


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("result.json", lambda text: text[: len(text) // 2], "result.json: not a readable JSON file"),
        ("result.json", lambda text: text.replace('"schema_version": 1', '"schema_version": 0'), "reads 1"),
        (
            "result.json",
            lambda text: text.replace('"completed"', '"crashed"'),
            "status: 'crashed' is not one of",
        ),
        (
            "result.json",
            lambda text: text.replace('"seed": 0', '"seed": 5'),
            "seed is 0 but result.json says 5",
        ),
        ("run.json", lambda text: text[:30], "run.json: not a readable JSON file"),
        (
            "run.json",
            lambda text: text.replace('"schema_version": 1', '"schema_version": 9'),
            "reads 1",
        ),
        ("run.json", lambda text: "[]", "reads 1"),
        ("run.json", lambda text: text.replace("2025-01-31", "31 January"), "started_at"),
        ("run.json", lambda text: text.replace('"config"', '"setup"'), "unknown key 'setup'"),
        ("metrics.jsonl", lambda text: text[:-10], "metrics.jsonl, line 5"),
        ("metrics.jsonl", lambda text: text.replace('"step": 1', '"step": "1"'), "metrics.jsonl, line 2"),
        ("metrics.jsonl", lambda text: "\x00" + text, "metrics.jsonl, line 1"),
    ],
)
def test_damaged_files_are_one_clear_line(make_run, name, change, message):
    path = make_run()
    damage(path, name, change)
    with pytest.raises(UserError, match=message) as caught:
        runs.read_run(path)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_a_clear_line(make_run):
    path = make_run()
    (path / "metrics.jsonl").write_bytes(b'{"step": 0, "phase": "\xff"}\n')
    with pytest.raises(UserError, match=r"metrics\.jsonl"):
        runs.read_run(path)


def test_names_that_could_break_a_query_are_refused(make_run):
    with pytest.raises(UserError, match="not a plain name"):
        runs.read_run(make_run(variant="it's"))
