"""metrics.jsonl, the journal of a run: its digest, then one JSON object per logged step, cut back on resume."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from uhn.errors import UserError
from uhn.files import parse_json

OWNER = "run"  # the one key of the first line


class Journal:
    """Append-only log of a run.

    Args:
        path: the file.
        run: digest of the run.
        length: bytes of it that belong to the checkpoint resumed from; 0 starts anew.

    Raises:
        UserError: these bytes are not those of an intact journal of the run; from every method, where the disk takes no
            more.
    """

    def __init__(self, path: Path, run: str, length: int = 0) -> None:
        if length and (not path.exists() or path.stat().st_size < length):
            raise UserError(f"{path}: shorter than its checkpoint says; delete the folder to start this run again")
        self._path = path
        self._file = open(path, "r+b" if length else "w+b")  # noqa: SIM115 - held open for the whole run
        self._file.truncate(length)
        if length:
            _check_resumed(path, run, self._file.read())
        else:
            self._file.write(json.dumps({OWNER: run}).encode() + b"\n")

    def write(self, **entry: Any) -> None:
        """Append one entry of plain data; numbers that are not finite become null."""
        with self._writing():
            self._file.write(json.dumps(_finite(entry)).encode() + b"\n")

    def flush(self) -> int:
        """Bring everything to disk and return the file's length."""
        with self._writing():
            self._file.flush()
            os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        self._file.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Say what is wrong with the disk; what the last checkpoint covers is safe."""
        try:
            yield
        except OSError as error:
            with suppress(OSError):
                self._file.close()  # now, or the interpreter complains at its end
            raise UserError(
                f"{self._path}: cannot be written ({error.strerror}); free space, then run again with --resume"
            ) from error


def read_journal(path: Path, run: str | None = None, unfinished: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the entries of a ``metrics.jsonl``; each has an integer ``step`` and the name of its ``phase``.

    Args:
        path: the file.
        run: digest of the run that it must belong to; None: whichever.
        unfinished: whether the run may still be writing; a last line that is half written is left out then.

    Raises:
        UserError: the file cannot be read, is of another run, or a line is damaged.
        FileNotFoundError: the file of an unfinished run is gone: the run ends at this moment.
    """
    lines = _read_lines(path, unfinished)
    if unfinished and lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    if not lines and unfinished:
        return
    owner = _parse_owner(path, lines)
    if run is not None and owner != run:
        raise UserError(f"{path}: belongs to run {owner[:12]}, expected {run[:12]}; delete the run and rerun its job")
    yield from _parse_entries(path, lines)


def read_owner(path: Path) -> str:
    """Return the digest of the run that a ``metrics.jsonl`` belongs to.

    Raises:
        UserError: the file cannot be read or does not say.
    """
    return _parse_owner(path, _read_lines(path))


def _read_lines(path: Path, unfinished: bool = False) -> list[bytes]:
    try:
        return path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        if unfinished and isinstance(error, FileNotFoundError):
            raise
        raise UserError(f"{path}: cannot be read ({error.strerror}); delete the run and rerun its job") from None


def _check_resumed(path: Path, run: str, content: bytes) -> None:
    lines = content.splitlines(keepends=True)
    if (owner := _parse_owner(path, lines)) != run:
        raise UserError(f"{path}: belongs to run {owner[:12]}, expected {run[:12]}; delete the folder and start again")
    for _ in _parse_entries(path, lines):
        pass


def _parse_owner(path: Path, lines: list[bytes]) -> str:
    first = _parse(lines[0]) if lines else None
    owner = first.get(OWNER) if isinstance(first, dict) else None
    if isinstance(owner, str):
        return owner
    if isinstance(first, dict) and "step" in first:
        raise UserError(f"{path}: written by an earlier release; bring it here with: uhn migrate {path.parent}")
    raise UserError(f"{path}, line 1: expected the digest of its run; delete the run and rerun its job")


def _parse_entries(path: Path, lines: list[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the entries below the first line."""
    for number, line in enumerate(lines[1:], start=2):
        entry = _parse(line)
        if not (isinstance(entry, dict) and type(entry.get("step")) is int and isinstance(entry.get("phase"), str)):
            raise UserError(
                f"{path}, line {number}: expected an object with an integer step and a phase; "
                "delete the run and rerun its job"
            )
        yield entry


def _parse(line: bytes) -> Any:
    try:
        return parse_json(line)
    except ValueError:
        return None


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
