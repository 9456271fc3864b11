"""metrics.jsonl: what is written is read back, and what a damaged, foreign or unfinished file says."""

import math
import os
import subprocess
import sys

import pytest
from cli_process import REPOSITORY

from uhn.errors import UserError
from uhn.runs.journal import Journal, read_journal, read_owner

RUN, OTHER = "a" * 64, "b" * 64
HEADER = f'{{"run": "{RUN}"}}\n'
FULL = """
import resource
from pathlib import Path
from uhn.runs.journal import Journal
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))  # the disk takes ten bytes
journal = Journal(Path("journal"), "a" * 64)
try:
    for step in range({steps}):
        journal.write(step=step)
    journal.flush()
except Exception as error:
    print(error)
"""
FIRST = '{"step": 0, "phase": "init", "loss": 0.5}\n'


@pytest.fixture
def path(tmp_path):
    return tmp_path / "metrics.jsonl"


def test_entries_are_read_back_with_null_for_what_is_not_finite(path):
    journal = Journal(path, RUN)
    journal.write(step=0, phase="init", loss=0.5)
    journal.write(step=1, phase="train", loss=math.inf, level_std={"0": math.nan})
    journal.close()
    assert list(read_journal(path)) == [
        {"step": 0, "phase": "init", "loss": 0.5},
        {"step": 1, "phase": "train", "loss": None, "level_std": {"0": None}},
    ]
    assert read_owner(path) == RUN


def test_a_journal_is_cut_back_to_its_checkpoint(path):
    journal = Journal(path, RUN)
    journal.write(step=0, phase="train")
    length = journal.flush()
    journal.write(step=1, phase="train")
    journal.close()
    journal = Journal(path, RUN, length)
    journal.write(step=7, phase="train")
    journal.close()
    assert [entry["step"] for entry in read_journal(path, RUN)] == [0, 7]
    with pytest.raises(UserError, match="shorter than its checkpoint says"):
        Journal(path, RUN, 1000)


def test_a_journal_of_another_run_is_refused(path):
    journal = Journal(path, RUN)
    journal.write(step=0, phase="train")
    length = journal.flush()
    journal.close()
    named = r"belongs to run aaaaaaaaaaaa, expected bbbbbbbbbbbb"
    with pytest.raises(UserError, match=named):
        list(read_journal(path, OTHER))
    with pytest.raises(UserError, match=named):
        Journal(path, OTHER, length)
    assert [entry["step"] for entry in read_journal(path)] == [0]


@pytest.mark.parametrize("damage", ["{", "[1]\n"])
def test_a_damaged_journal_is_not_resumed(path, damage):
    """Found when training goes on, not when it has ended."""
    path.write_text(HEADER + FIRST + damage + "\n")
    with pytest.raises(UserError, match="line 3: expected an object with"):
        Journal(path, RUN, path.stat().st_size)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected the digest of its run"),
        ("garbage\n", "line 1: expected the digest of its run"),
        ('{"run": 5}\n', "line 1: expected the digest of its run"),
        (FIRST, "written by an earlier release; bring it here with: uhn migrate"),
    ],
)
def test_a_journal_without_a_digest(path, text, message):
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        list(read_journal(path))


@pytest.mark.parametrize(
    "line",
    [
        '{"step": 1, "ph',
        "",
        "[1]",
        '{"phase": "train"}',
        '{"step": "1", "phase": "train"}',
        '{"step": true, "phase": "train"}',
        '{"step": 1}',
        '{"step": 1, "phase": "train", "loss": NaN}',
        "[" * 100_000,
        "\x00",
    ],
)
def test_a_damaged_line_is_named(path, line):
    path.write_text(HEADER + FIRST + line + "\n")
    for unfinished in (False, True):
        with pytest.raises(UserError, match=r"metrics\.jsonl, line 3: expected an object with") as caught:
            list(read_journal(path, unfinished=unfinished))
        assert "\n" not in str(caught.value)


def test_the_last_line_of_a_run_that_still_writes_may_be_half_written(path):
    path.write_text(HEADER + FIRST + '{"step": 1, "ph')
    assert [entry["step"] for entry in read_journal(path, unfinished=True)] == [0]
    with pytest.raises(UserError, match="line 3"):
        list(read_journal(path))
    for text in ("", HEADER[:10], HEADER):
        path.write_text(text)
        assert list(read_journal(path, unfinished=True)) == []


def test_a_file_that_is_not_there(path):
    with pytest.raises(FileNotFoundError):
        list(read_journal(path, unfinished=True))
    with pytest.raises(UserError, match=r"metrics\.jsonl: cannot be read \(No such file"):
        list(read_journal(path))


@pytest.mark.parametrize("steps", [1, 10_000])
def test_a_full_disk_is_one_line(tmp_path, steps):
    """Whether it shows when the journal is flushed or while it is written; the interpreter's end adds nothing."""
    command = [sys.executable, "-c", FULL.format(steps=steps)]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("journal: cannot be written (File too large); free space, then run again with --resume\n")
