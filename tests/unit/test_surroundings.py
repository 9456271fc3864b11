"""Processes that inherit odd streams, variables, homes and limits."""

import errno
import getpass
import io
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from cli_process import REPOSITORY

from uhn.surroundings import environment_problem, settle, supply_home

UHN = [sys.executable, "-m", "uhn"]


def shell(line, cwd, **environment):
    """Run a line of the shell in which ``$UHN`` is the command."""
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "UHN": " ".join(UHN)} | environment
    return subprocess.run(["sh", "-c", line], cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("closed", ["2>&-", ">&-", "<&- 2>&-", "<&- >&- 2>&-"])
def test_closed_streams(tmp_path, closed):
    """The next file that is opened would become one of them."""
    done = shell(f"$UHN data status mnist {closed}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("MNIST") == (">&-" not in closed.split())


def test_output_that_cannot_be_written(tmp_path):
    done = shell("$UHN data status mnist > /dev/full", tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "uhn: error: No space left on device; free space, then run the command again\n",
    )


def test_without_docstrings(tmp_path):
    done = shell("$UHN --version", tmp_path, PYTHONOPTIMIZE="2")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("uhn ")


def test_a_terminal_without_the_character(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    settle()
    print("0.1 ± 0.2")
    terminal.flush()
    assert terminal.buffer.getvalue() == b"0.1 \\xb1 0.2\n"


def test_variables_for_other_programs(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    settle()
    assert os.environ["MPLBACKEND"] == "agg" and "SOURCE_DATE_EPOCH" not in os.environ


def test_a_home_that_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/proc/nohome")
    monkeypatch.chdir(tmp_path)
    supply_home(Path("scratch/cache"))
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path / "scratch/cache")


def test_no_home_at_all(tmp_path, monkeypatch):
    for name in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    monkeypatch.chdir(tmp_path)
    supply_home(tmp_path / "cache")
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path / "cache")
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_can_be_written_is_kept(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    supply_home(tmp_path / "other")
    assert "XDG_CACHE_HOME" not in os.environ


def test_a_user_without_a_name(tmp_path, monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)
    supply_home(tmp_path)
    assert getpass.getuser() == "unknown"
    monkeypatch.delenv("USER")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "", "f"), "f: No space left on device; free space, "),
        (OSError(errno.EROFS, "", "f"), "f: Read-only file system; make it writable, "),
        (OSError(errno.EMFILE, ""), "Too many open files; raise the limit of open files"),
        (MemoryError(), "not enough memory; raise the limit"),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), "not enough memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
            "not enough memory",
        ),
    ],
)
def test_limits_of_the_machine(error, message):
    assert environment_problem(error).startswith(message)


@pytest.mark.parametrize("error", [ValueError("x"), RuntimeError("x"), ImportError("x"), OSError("no number")])
def test_errors_of_the_code_are_none_of_the_machine(error):
    assert environment_problem(error) is None


def test_too_little_memory_is_one_line(tmp_path):
    done = subprocess.run(
        [*UHN, "train", "--setting", "kan_kv", "--variant", "direct", "--seed", "1", "--out", "out"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (300 << 20, 300 << 20)),
        capture_output=True,
        text=True,
        check=False,
    )
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and line.startswith("uhn: error: not enough memory; ")
