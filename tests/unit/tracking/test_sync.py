"""What ends up in an MLflow store, whatever happens on the way."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import uhn
from uhn.errors import UserError
from uhn.tracking import store, sync, track_runs
from uhn.tracking.content import params_of
from uhn.tracking.runs import read_run

PARENT = "mlflow.parentRunId"

# Lets other processes import the package from wherever they are started.
IMPORTABLE = {"PYTHONPATH": str(Path(uhn.__file__).parents[1])}


@pytest.fixture
def seeds(make_run):
    """Return three runs of one variant with test/rmse 0.5, 1.5 and 2.5."""
    return [make_run(seed=seed) for seed in range(3)]


def line(step, **values):
    return {"step": step, "phase": "train", "loss": 1.0 / (1 + step), "elapsed_s": 0.1 * step} | values


def plain(runs):
    """Describe the content of a store without its random ids."""
    names = {run.info.run_id: key for key, run in runs.items()}
    return {
        key: (
            run.info.run_name,
            run.info.status,
            run.info.start_time,
            run.info.end_time,
            run.data.metrics,
            run.data.params,
            {tag: names.get(value, value) for tag, value in run.data.tags.items()},
        )
        for key, run in runs.items()
    }


def test_seeds_lie_beneath_their_summary(uri, seeds, contents):
    assert track_runs(seeds, uri) == (3, 0, uri)
    runs = contents(uri)
    parent = runs["demo/kan/uhn"]
    assert set(runs) == {"demo/kan/uhn", *(f"demo/kan/uhn/seed{k}" for k in range(3))}
    assert parent.data.metrics["test/rmse"] == 1.5
    assert parent.data.metrics["test/rmse_std"] == 1.0
    assert (parent.data.metrics["n_seeds"], parent.data.metrics["n_failed"]) == (3, 0)
    expected = {"optimizer.betas": "[0.9, 0.999]", "train.unit": "epochs", "depth": "null", "setting": "kan"}
    assert expected.items() <= parent.data.params.items()
    assert PARENT not in parent.data.tags
    for seed in range(3):
        run = runs[f"demo/kan/uhn/seed{seed}"]
        assert run.data.tags[PARENT] == parent.info.run_id
        assert run.info.run_name == f"kan/uhn/seed{seed}"
        assert run.data.metrics["test/rmse"] == 0.5 + seed
        assert (run.info.status, run.info.start_time, run.info.end_time) == (
            "FINISHED",
            1738324800000,
            1738324812500,
        )
        assert run.data.params["seed"] == str(seed)
    assert [(data.dataset.name, data.dataset.digest) for data in parent.inputs.dataset_inputs] == [("kv", "formula")]


def test_artifacts_lie_beside_the_database(uri, seeds, contents, tmp_path):
    track_runs(seeds[:1], uri, experiment="Größe 1/2")
    run = contents(uri, "Größe 1/2")["demo/kan/uhn/seed0"]
    folder = Path(unquote(urlsplit(run.info.artifact_uri).path))
    assert folder.is_relative_to(tmp_path / "mlartifacts")
    for name in ("run.json", "result.json"):
        assert (folder / name).read_bytes() == (seeds[0] / name).read_bytes()


def test_a_second_call_changes_nothing(uri, seeds, contents):
    track_runs(seeds, uri)
    before = {key: run.to_dictionary() for key, run in contents(uri).items()}
    assert track_runs([*seeds, seeds[0] / ".." / "seed0"], uri) == (0, 3, uri)
    assert {key: run.to_dictionary() for key, run in contents(uri).items()} == before


def test_a_rebuilt_store_is_the_same(uri, seeds, contents, empty_store, tmp_path):
    track_runs(seeds, uri)
    shutil.copy(empty_store, tmp_path / "again.db")
    again = f"sqlite:///{tmp_path / 'again.db'}"
    track_runs(seeds, again)
    assert plain(contents(again)) == plain(contents(uri))


def test_changed_files_replace_their_run_and_the_summary(uri, seeds, make_run, contents):
    track_runs(seeds, uri)
    before = contents(uri)
    make_run(seed=2, result={"metrics": {"test/rmse": 5.5}})
    assert track_runs(seeds, uri) == (1, 2, uri)
    after = contents(uri)
    assert set(after) == set(before)
    same = {key for key in after if after[key].info.run_id == before[key].info.run_id}
    assert same == {"demo/kan/uhn/seed0", "demo/kan/uhn/seed1"}
    parent = after["demo/kan/uhn"]
    assert parent.data.metrics["test/rmse"] == 2.5
    assert {run.data.tags.get(PARENT) for run in after.values()} == {None, parent.info.run_id}


def test_a_summary_covers_the_runs_of_its_call_and_keeps_the_others_beneath_it(uri, seeds, contents):
    track_runs(seeds, uri)
    assert track_runs(seeds[:2], uri) == (0, 2, uri)
    runs = contents(uri)
    parent = runs["demo/kan/uhn"]
    assert (parent.data.metrics["test/rmse"], parent.data.metrics["n_seeds"]) == (1.0, 2)
    assert parent.data.tags["uhn.seeds"] == "0, 1"
    assert len(runs) == 4
    assert {run.data.tags.get(PARENT) for run in runs.values()} == {None, parent.info.run_id}


def test_variants_and_scales_are_kept_apart(uri, make_run, contents):
    paths = [make_run(variant=v, seed=k, scale=s) for v in ("uhn", "direct") for k in (0, 1) for s in ("demo", "lite")]
    assert track_runs(paths, uri).tracked == 8
    for scale in ("demo", "lite"):
        runs = contents(uri, f"uhn-{scale}")
        assert len(runs) == 6
        for key, run in runs.items():
            group = key.partition("/seed")[0]
            assert run.data.tags.get(PARENT) == (None if key == group else runs[group].info.run_id)
    assert contents(uri, "Default") == {}


def test_a_diverged_run_is_a_failed_run_that_says_why(uri, make_run, contents):
    make = {"status": "diverged", "reason": "loss is not finite at step 7", "metrics": {}}
    track_runs([make_run(seed=0), make_run(seed=1, result=make, lines=[line(0), line(1, loss=None)])], uri)
    runs = contents(uri)
    failed = runs["demo/kan/uhn/seed1"]
    assert failed.info.status == "FAILED"
    assert (failed.data.tags["uhn.status"], failed.data.tags["uhn.skipped_values"]) == ("diverged", "1")
    assert failed.data.tags["uhn.reason"] == "loss is not finite at step 7"
    assert failed.data.metrics["train/loss"] == 1.0
    parent = runs["demo/kan/uhn"]
    assert (parent.info.status, parent.data.tags["uhn.status"]) == ("FINISHED", "partly diverged")
    assert parent.data.metrics["n_failed"] == 1
    assert "test/rmse_std" not in parent.data.metrics


def test_when_all_diverged_the_summary_failed(uri, make_run, contents):
    track_runs([make_run(result={"status": "diverged", "reason": "nan", "metrics": {}})], uri)
    parent = contents(uri)["demo/kan/uhn"]
    assert (parent.info.status, parent.data.metrics) == ("FAILED", {"n_seeds": 0, "n_failed": 1})


def test_more_rows_and_params_than_one_request_takes(uri, make_run, contents, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.setattr("uhn.tracking.sync.PARAMS_PER_BATCH", 10)
    folder = make_run(lines=[line(k) for k in range(2500)])
    track_runs([folder], uri)
    run = contents(uri)["demo/kan/uhn/seed0"]
    history = MlflowClient(tracking_uri=uri).get_metric_history(run.info.run_id, "train/loss")
    assert [point.step for point in sorted(history, key=lambda point: point.step)] == list(range(2500))
    assert [point.value for point in history if point.step == 2499] == [1 / 2500]
    assert max(point.timestamp for point in history) == 1738324800000 + 249900
    assert run.data.params == params_of(read_run(folder)) and len(run.data.params) > 30


KILLED = """
import os, signal, sys
from pathlib import Path
from mlflow import MlflowClient
from uhn.tracking import track_runs

uri, method, calls, *paths = sys.argv[1:]
left, original = [int(calls)], getattr(MlflowClient, method)

def last_call(*args, **kwargs):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **kwargs)

setattr(MlflowClient, method, last_call)
track_runs(map(Path, paths), uri)
"""


# The calls at which a process dies (in the first run's rows, before its end, before the last run's digest,
# before the summary's digest), and how many runs the next call has to write.
@pytest.mark.parametrize(
    ("method", "call", "rewritten"),
    [
        ("log_batch", 4, 3),
        ("set_tag", 3, 1),
        pytest.param("set_terminated", 2, 3, marks=pytest.mark.slow),
        pytest.param("set_tag", 4, 0, marks=pytest.mark.slow),
    ],
)
def test_a_killed_call_is_healed(uri, seeds, contents, empty_store, tmp_path, method, call, rewritten):
    command = [sys.executable, "-c", KILLED, uri, method, str(call), *map(str, seeds)]
    dead = subprocess.run(command, env=os.environ | IMPORTABLE)
    assert dead.returncode == -signal.SIGKILL
    unfinished = [run for run in contents(uri).values() if sync.DIGEST not in run.data.tags]
    assert unfinished, "the summary at least must not count as done"
    assert track_runs(seeds, uri).tracked == rewritten
    shutil.copy(empty_store, tmp_path / "clean.db")
    clean = f"sqlite:///{tmp_path / 'clean.db'}"
    track_runs(seeds, clean)
    assert plain(contents(uri)) == plain(contents(clean))


WRITER = """
import sys
import threading
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uhn.tracking import track_runs

print(track_runs(map(Path, sys.argv[2:]), sys.argv[1]).tracked)
"""


def cold_start(make_run, contents, tmp_path, writers):
    """Let several processes open one store that does not exist yet."""
    uri = f"sqlite:///{tmp_path / 'deep' / 'mlflow.db'}"
    jobs = []
    for k in range(writers):
        paths = [make_run(variant=f"v{k}", seed=s, lines=[line(i) for i in range(300)]) for s in range(3)]
        command = [sys.executable, "-c", WRITER, uri, *map(str, paths)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        jobs.append(subprocess.Popen(command, env=os.environ | IMPORTABLE, **pipes))
    for job in jobs:
        out, err = job.communicate(timeout=300)
        assert (job.returncode, out) == (0, "3\n"), err
    runs = contents(uri)
    assert len(runs) == 4 * writers
    for key, run in runs.items():
        group = key.partition("/seed")[0]
        assert run.data.tags.get(PARENT) == (None if key == group else runs[group].info.run_id)
        assert run.data.tags[sync.DIGEST]
        assert run.info.status == "FINISHED"
        assert run.data.metrics["test/rmse"] == 1.5 if key == group else run.data.metrics["train/loss"] == 1 / 300
    assert contents(uri, "Default") == {}


def test_two_processes_start_one_store(make_run, contents, tmp_path):
    cold_start(make_run, contents, tmp_path, 2)


@pytest.mark.slow
def test_eight_processes_start_one_store(make_run, contents, tmp_path):
    cold_start(make_run, contents, tmp_path, 8)


def one_line(caught) -> str:
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_bad_directory_stops_the_call_before_anything_is_written(uri, seeds, contents, tmp_path):
    with pytest.raises(UserError, match="no such run directory") as caught:
        track_runs([*seeds, tmp_path / "nowhere"], uri)
    one_line(caught)
    assert contents(uri) == {}


def test_two_directories_of_the_same_run_are_refused(uri, seeds, tmp_path):
    shutil.copytree(seeds[0], tmp_path / "copy")
    with pytest.raises(UserError, match="are both demo/kan/uhn/seed0"):
        track_runs([seeds[0], tmp_path / "copy"], uri)


def test_a_server_that_does_not_answer(seeds, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no MLflow server answers") as caught:
        track_runs(seeds, "http://me:secret@127.0.0.1:9")
    assert "secret" not in one_line(caught)


@pytest.mark.parametrize(("status", "answers"), [(200, True), (401, True), (404, False), (503, False)])
def test_only_an_mlflow_server_counts_as_an_answer(status, answers):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"http://127.0.0.1:{server.server_port}"
        with nullcontext() if answers else pytest.raises(UserError, match=f"no MLflow server answers.*{status}"):
            store.check_server(uri)
        server.shutdown()


def test_a_missing_database_driver_is_named(seeds, tmp_path, monkeypatch):
    def connect(uri):
        raise ModuleNotFoundError("No module named 'psycopg2'", name="psycopg2")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(store, "connect", connect)
    with pytest.raises(UserError, match=r"//\*\*\*@host/db: needs the package psycopg2"):
        track_runs(seeds, "postgresql://me:secret@host/db")


def test_a_database_that_is_none(seeds, tmp_path):
    (tmp_path / "mlflow.db").write_text("this is not a database, but long enough to look like a header " * 20)
    with pytest.raises(UserError, match="not a database") as caught:
        track_runs(seeds, f"sqlite:///{tmp_path / 'mlflow.db'}")
    one_line(caught)


def test_a_folder_in_the_place_of_the_database(seeds, tmp_path):
    with pytest.raises(UserError, match="is a folder"):
        track_runs(seeds, f"sqlite:///{tmp_path}")


def test_a_store_on_a_network_file_system(uri, seeds, monkeypatch):
    monkeypatch.setattr(store, "network_filesystem", lambda path, mounts: "nfs4")
    with pytest.raises(UserError, match="lies on nfs4"):
        track_runs(seeds, uri)


def test_a_read_only_database_is_seen_before_it_is_opened(uri, seeds, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith(".db"))
    with pytest.raises(UserError, match=r"mlflow\.db: not writable"):
        track_runs(seeds, uri)


def test_a_database_that_becomes_read_only(uri, seeds, monkeypatch):
    import sqlite3

    import sqlalchemy.exc

    def refuse(*args, **kwargs):
        cause = sqlite3.OperationalError("attempt to write a readonly database")
        raise sqlalchemy.exc.OperationalError("INSERT", {}, cause)

    monkeypatch.setattr(store, "experiment_id", refuse)
    with pytest.raises(UserError, match="readonly database") as caught:
        track_runs(seeds, uri)
    one_line(caught)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_permissions_are_respected(uri, seeds, tmp_path):
    (tmp_path / "mlflow.db").chmod(0o444)
    with pytest.raises(UserError, match="not writable"):
        track_runs(seeds, uri)


def test_mistakes_of_the_program_are_not_hidden(uri, seeds, monkeypatch):
    monkeypatch.setattr(store, "experiment_id", lambda *args: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        track_runs(seeds, uri)


def test_a_deleted_experiment_is_named(uri, seeds):
    from mlflow import MlflowClient

    track_runs(seeds[:1], uri)
    client = MlflowClient(tracking_uri=uri)
    client.delete_experiment(client.get_experiment_by_name("uhn-demo").experiment_id)
    with pytest.raises(UserError, match="'uhn-demo' was deleted"):
        track_runs(seeds, uri)


def test_nothing_of_the_environment_gets_in(uri, seeds, contents, monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "elsewhere")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    track_runs(seeds, uri)
    assert len(contents(uri)) == 4
    assert "MLFLOW_RUN_ID" not in os.environ
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_the_command_prints_one_line(uri, seeds, capsys):
    import argparse

    from uhn.cli import track

    parser = argparse.ArgumentParser()
    track.add_parser(parser.add_subparsers())
    args = parser.parse_args(["track", *map(str, seeds), "--tracking-uri", uri, "--experiment", "mine"])
    assert not args.run(args)
    assert capsys.readouterr().out == f"tracked 3 runs, skipped 0, into {uri}\n"
