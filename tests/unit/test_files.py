"""Files appear whole, whoever else writes them."""

import errno
import multiprocessing
import os
from collections import Counter
from pathlib import Path

import pytest

from uhn.errors import UserError
from uhn.files import write_bytes

PROCESSES, TIMES = 4, 50


def write_often(path, content, start, failures):
    start.wait()
    for _ in range(TIMES):
        try:
            write_bytes(path, content)
        except UserError as error:
            failures.put(str(error))


def test_processes_that_write_one_file_do_not_disturb_each_other(tmp_path):
    """Runs that start together tokenise the same texts and count the same families into one cache."""
    context = multiprocessing.get_context("fork")
    path, start, failures = tmp_path / "cache", context.Barrier(PROCESSES), context.SimpleQueue()
    contents = [bytes([65 + k]) * 10_000 for k in range(PROCESSES)]
    writers = [context.Process(target=write_often, args=(path, one, start, failures)) for one in contents]
    for writer in writers:
        writer.start()
    seen = Counter()
    while any(writer.is_alive() for writer in writers):
        if path.exists():
            seen[path.read_bytes()] += 1
    for writer in writers:
        writer.join()
    assert failures.empty()
    assert set(seen) <= set(contents) and path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_bytes(path, b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match=r"file: cannot be written \(No space left on device\); free space"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_file_system_that_refuses_even_to_clean_up(tmp_path, monkeypatch):
    def refuse(*arguments, **more):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("builtins.open", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(UserError, match=r"file: cannot be written \(Read-only file system\)"):
        write_bytes(tmp_path / "file", b"new")
