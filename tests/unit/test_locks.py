"""Locks, also where a file system knows only one kind of them or none."""

import errno
import fcntl
import re
import subprocess
import sys

import pytest
from cli_process import REPOSITORY

from uhn.errors import UserError
from uhn.locks import LockFile

TAKE = "import fcntl, sys; fcntl.{kind}(open(sys.argv[1], 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
UNSUPPORTED = [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL]


def unsupported(code):
    def lock(file, mode):
        raise OSError(code, "this file system has none")

    return lock


def can_take(path, kind):
    """Tell whether another process can lock a file."""
    command = [sys.executable, "-c", TAKE.format(kind=kind), str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_one_holder(tmp_path):
    path = tmp_path / "deep/lock"
    with LockFile(path, "") as first, LockFile(path, "") as second:
        assert first.take() and not second.take(wait=False) and not can_take(path, "flock")
    assert can_take(path, "flock")


def test_shared_locks_keep_only_exclusive_ones_out(tmp_path):
    path = tmp_path / "lock"
    path.touch()
    with LockFile(path, "", read_only=True) as first, LockFile(path, "", read_only=True) as second:
        assert first.take(shared=True) and second.take(shared=True, wait=False) and not can_take(path, "flock")


@pytest.mark.parametrize("code", UNSUPPORTED)
def test_without_flock_the_lock_is_one_of_lockf(tmp_path, monkeypatch, code):
    path = tmp_path / "lock"
    monkeypatch.setattr(fcntl, "flock", unsupported(code))
    with LockFile(path, "") as lock:
        assert lock.take() and not can_take(path, "lockf")
    assert can_take(path, "lockf")


def test_a_lock_of_lockf_that_others_hold(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", unsupported(errno.ENOSYS))
    for error in (BlockingIOError, PermissionError):
        monkeypatch.setattr(fcntl, "lockf", lambda file, mode, error=error: (_ for _ in ()).throw(error()))
        with LockFile(tmp_path / "lock", "") as lock:
            assert not lock.take(wait=False)


def test_without_locks_the_folder_and_a_way_out_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", unsupported(errno.ENOSYS))
    monkeypatch.setattr(fcntl, "lockf", unsupported(errno.ENOLCK))
    message = f"{tmp_path}: files cannot be locked there (this file system has none); go elsewhere"
    with LockFile(tmp_path / "lock", "go elsewhere") as lock, pytest.raises(UserError, match=re.escape(message)):
        lock.take()


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"file: cannot be written \(.*\); go elsewhere"):
        LockFile(tmp_path / "file" / "lock", "go elsewhere")


def test_nothing_else_locks_files():
    sources = [*(REPOSITORY / "uhn").rglob("*.py"), *(REPOSITORY / "workflow").rglob("*.py")]
    assert [path.name for path in sources if "fcntl" in path.read_text(encoding="utf-8")] == ["locks.py"]
