"""Which stores can be opened, what is shown of them, and one line with a remedy that works for those that cannot."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from uhn.errors import UserError
from uhn.tracking import store, track_runs

MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local xfs rw 0 0
mds:/scratch /work\\040space lustre rw 0 0
"""

# URI, what is shown of it, the password as libraries may print it
SECRETS = [
    ("postgresql://me:pa%2Fss@host:5432/db", "postgresql://***@host:5432/db", "pa/ss"),
    ("postgresql://me:p@ss/w@host/db?sslmode=require", "postgresql://***", "p@ss/w"),
    ("https://me:p@ss@host:5000/x", "https://***", "p@ss"),
    ("http://token@host", "http://***@host", "http://token@host"),
    ("mysql+pymysql://host/db?user=me&password=secret", "mysql+pymysql://host/db?***", "secret"),
    ("mysql+pymysql://host/db?user=me&password=p@ss", "mysql+pymysql://***", "p@ss"),
    ("postgresql://me:p?ss@host/db", "postgresql://***", "p?ss"),
]


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


def test_the_command_line_starts_without_mlflow():
    code = "import sys, uhn.cli.track; print(sorted({'mlflow', 'torch', 'uhn.tracking'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def artifacts_of(run):
    return Path(unquote(urlsplit(run.info.artifact_uri).path))


def test_a_store_that_was_moved_or_copied_keeps_its_artifacts_beside_it(uri, make_run, contents, tmp_path, monkeypatch):
    track_runs([make_run(seed=0)], uri, experiment="mine 100%")
    for there in ("moved", "copied again"):
        (tmp_path / there).mkdir()
        for name in ("mlflow.db", "mlartifacts"):
            copy = shutil.copytree if (tmp_path / name).is_dir() else shutil.copy
            copy(tmp_path / name, tmp_path / there / name)
        moved = f"sqlite:///{tmp_path / there / 'mlflow.db'}"
        track_runs([make_run(seed=0), make_run(seed=1)], moved, experiment="mine 100%")
        runs = contents(moved, "mine 100%")
        for seed in (0, 1):
            folder = artifacts_of(runs[f"demo/kan/uhn/seed{seed}"])
            assert folder.is_relative_to(tmp_path / there / "mlartifacts") and (folder / "run.json").is_file()
    assert not list((tmp_path / "mlartifacts").glob("*/*/*/../../../seed1"))
    assert set(contents(uri, "mine 100%")) == {"demo/kan/uhn", "demo/kan/uhn/seed0"}  # the first is as it was


@pytest.mark.parametrize(("uri", "shown", "password"), SECRETS)
def test_a_password_is_never_shown(uri, shown, password):
    assert store.shown(uri) == shown
    hidden = store.without_secrets(f"no connection to {uri}; tried {password}", uri)
    assert hidden.startswith(f"no connection to {shown}; tried ") and password not in hidden


@pytest.mark.parametrize("uri", ["http://127.0.0.1:5000", "postgresql://host/db"])
def test_what_holds_no_password_is_shown_in_full(uri):
    assert store.shown(uri) == uri


def test_a_file_has_no_password():
    uri = "sqlite:////home/me@work/a?b/m.db"
    assert store.shown(uri) == uri


def test_errors_show_no_password(monkeypatch):
    with pytest.raises(UserError) as caught:
        store.database_path("postgers://me:p@ss@host/db")
    assert "p@ss" not in str(caught.value) and "postgers://***" in str(caught.value)
    for uri in ("http://me:p@ss@127.0.0.1:9", "http://me:p@ss@127.0.0.1:port"):
        with pytest.raises(UserError, match="no MLflow server answers") as caught:
            store.check_server(uri)
        assert "p@ss" not in str(caught.value)


def test_a_folder_on_a_network_names_both_remedies(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "network_filesystem", lambda path, mounts: "nfs4")
    with pytest.raises(UserError, match="lies on nfs4") as caught:
        store.check_database(tmp_path / "m.db")
    for remedy in ("--tracking-uri", "make TRACKING=URI", "--config tracking_uri=URI"):
        assert remedy in str(caught.value)


def test_an_environment_in_a_folder_that_mlflow_cannot_take(tmp_path, monkeypatch):
    class Spec:
        origin = "/run 100%/lib/mlflow/__init__.py"

    monkeypatch.setattr(store, "find_spec", lambda name: Spec)
    with pytest.raises(UserError, match="a % in its name"):
        store.check_database(tmp_path / "m.db")


def test_without_mlflow(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="mlflow is not installed"):
        store.check_database(tmp_path / "m.db")


def test_a_folder_without_locks(tmp_path, monkeypatch):
    def none(file, mode):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", none)
    monkeypatch.setattr(fcntl, "lockf", none)
    with pytest.raises(UserError, match="files cannot be locked there"), store.opened(f"sqlite:///{tmp_path / 'm.db'}"):
        pass


def test_a_variable_that_mlflow_does_not_understand_is_one_line(uri):
    """Raised by a parser of the standard library, below MLflow."""
    with pytest.raises(UserError, match="not an integer"), store.plain_errors(uri):
        namespace = {"__name__": "mlflow.environment_variables"}
        exec("def get(): raise ValueError('not an integer')", namespace)
        namespace["get"]()


def test_an_error_of_ours_keeps_its_traceback(uri):
    with pytest.raises(ValueError, match="ours"), store.plain_errors(uri):
        raise ValueError("ours")


def test_a_deleted_experiment_comes_back_by_the_line_that_is_printed(uri, make_run, contents, monkeypatch):
    track_runs([make_run()], uri)
    client = store.connect(uri)
    client.delete_experiment(client.get_experiment_by_name("uhn-demo").experiment_id)
    with pytest.raises(UserError, match="was deleted in this store; ") as caught:
        track_runs([make_run()], uri)
    command = re.search("restore it: (.*)", str(caught.value))[1]
    environment = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    subprocess.run(command, shell=True, check=True, env=environment, capture_output=True)
    assert track_runs([make_run()], uri).skipped == 1
