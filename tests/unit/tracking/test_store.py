"""Which stores can be opened, and the command line before it opens one."""

from __future__ import annotations

import subprocess
import sys

import pytest

from uhn.errors import UserError
from uhn.tracking import store

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
