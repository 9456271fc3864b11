"""What is read from a run directory and how it is put into words, without a store."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uhn.errors import UserError
from uhn.tracking import content, runs, store

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


def test_values_that_are_not_finite_are_left_out_and_counted(make_run):
    lines = [
        line(0, loss=None),
        line(1, loss=math.nan),
        line(2, loss=math.inf),
        line(3, text="no number", ok=True),
    ]
    run = runs.read_run(make_run(lines=lines, result={"metrics": {"test/rmse": math.nan, "test/loss": 2.0}}))
    assert [point.step for point in run.points if point.key == "train/loss"] == [3]
    assert {point.key for point in run.points} == {"train/loss", "train/lr"}
    assert run.skipped == 4
    assert content.tags_of(run)["uhn.skipped_values"] == "4"
    assert "test/rmse" not in {point.key for point in content.final_points(run)}


def test_final_metrics_stay_out_of_the_curves(make_run):
    values = {point.key: point for point in content.final_points(runs.read_run(make_run()))}
    assert values["final/train/loss"] == ("final/train/loss", 0.125, START_MS + 12500, 0)
    assert values["test/rmse"].value == 0.5
    assert "train/loss" not in values
    assert values["cost/wall_s"].value == 12.5
    assert values["parameters/run/target"].value == 1200
    assert values["parameters/paper/printed"].value == 400


def test_summary_equals_numbers_by_hand(make_run):
    values = {0: 1.0, 1: 2.0, 2: 6.0}
    members = [runs.read_run(make_run(seed=k, result={"metrics": {"test/rmse": v}})) for k, v in values.items()]
    failed = runs.read_run(make_run(seed=3, result={"status": "diverged", "reason": "nan", "metrics": {}}))
    summary = content.summarise([*members, failed])
    assert summary["test/rmse"] == 3.0
    assert summary["test/rmse_std"] == pytest.approx(math.sqrt(7), abs=1e-15)  # (4 + 1 + 9) / (3 - 1)
    assert (summary["n_seeds"], summary["n_failed"]) == (3, 1)
    assert summary["cost/wall_s"] == 12.5
    assert not {"test/rmse_n", "cost/wall_s_std"} & set(summary)
    tags = content.summary_tags([*members, failed])
    assert (tags["uhn.status"], tags["uhn.seeds"]) == ("partly diverged", "0, 1, 2, 3")
    assert "Diverged and left out of the mean: 3." in tags["mlflow.note.content"]


def test_summary_counts_a_metric_that_a_completed_run_lacks(make_run):
    metrics = [{"test/rmse": 1.0, "test/loss": 4.0}, {"test/rmse": math.nan, "test/loss": 6.0}]
    summary = content.summarise(
        [runs.read_run(make_run(seed=k, result={"metrics": values})) for k, values in enumerate(metrics)]
    )
    assert (summary["test/rmse"], summary["test/rmse_n"]) == (1.0, 1)
    assert "test/rmse_std" not in summary
    assert (summary["test/loss"], summary["test/loss_std"]) == (5.0, math.sqrt(2))


def test_params_are_flat_scalars_within_the_limit(make_run):
    config = {
        "a": {"b": {"c": 1e-5}, "flag": True, "none": None},
        "list": [1, 2],
        "ü": "Größe 模型",
        "bad=key": "x",
    }
    run = runs.read_run(make_run(seed=4, run={"config": config | {"long": "é" * 6001, "fits": "é" * 6000}}))
    params = content.params_of(run)
    assert params["long"].endswith(" ... [cut, 6001 characters]")
    assert [len(params[key]) for key in ("long", "fits")] == [6000, 6000]
    assert {key: params[key] for key in params if key not in ("long", "fits")} == {
        "seed": "4", "a.b.c": "1e-05", "a.flag": "true", "a.none": "null", "list": "[1, 2]",
        "ü": "Größe 模型", "bad_key": "x",
    }  # fmt: skip


def test_summary_keeps_the_params_that_its_runs_share(make_run):
    members = [runs.read_run(make_run(seed=k, run={"config": {"lr": 0.1, "fold": k}})) for k in range(2)]
    assert content.shared_params(members) == {"lr": "0.1"}


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
            "schema version 1",
        ),
        ("run.json", lambda text: "[]", "schema version 1"),
        ("run.json", lambda text: text.replace("2025-01-31", "31 January"), "started_at"),
        ("run.json", lambda text: text.replace('"config"', '"setup"'), "config is not an object"),
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


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local xfs rw 0 0
mds:/scratch /work\\040space lustre rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/tmp/mlflow.db", None),
        ("/home/me/mlflow.db", "nfs4"),
        ("/home/local/mlflow.db", None),
        ("/homework/mlflow.db", None),
        ("/work space/mlflow.db", "lustre"),
    ],
)
def test_network_file_systems_are_seen(tmp_path, path, kind):
    assert store.network_filesystem(tmp_path.__class__(path), MOUNTS) == kind


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("sqlite:///scratch/mlflow.db", "scratch/mlflow.db"),
        ("sqlite:////data/mlflow.db", "/data/mlflow.db"),
        ("sqlite+pysqlite:///a.db?timeout=5", "a.db"),
        ("http://127.0.0.1:5000", None),
        ("postgresql+psycopg2://host/db", None),
    ],
)
def test_the_database_file_of_a_uri(uri, path):
    found = store.database_path(uri)
    assert (found and str(found)) == path


@pytest.mark.parametrize("uri", ["mlruns", "file:///tmp/mlruns", "ftp://host", "sqlite://", "sqlite:///:memory:", ""])
def test_uris_that_cannot_hold_runs_are_refused(uri):
    with pytest.raises(UserError, match="tracking URI"):
        store.database_path(uri)


def test_credentials_are_not_shown():
    assert store.shown("postgresql://me:secret@host/db") == "postgresql://***@host/db"


def test_the_command_line_starts_without_mlflow():
    code = "import sys, uhn.cli.track; print(sorted({'mlflow', 'torch', 'uhn.tracking'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
