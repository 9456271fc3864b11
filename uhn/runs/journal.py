"""metrics.jsonl, the journal of a run: one JSON object per logged step, cut back to the checkpoint on resume."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from uhn.errors import UserError


class Journal:
    """Append-only log of a run.

    Args:
        path: the file.
        length: bytes of it that belong to the checkpoint resumed from; 0 starts anew.

    Raises:
        UserError: from every method, where the disk takes no more.
    """

    def __init__(self, path: Path, length: int = 0) -> None:
        if length and (not path.exists() or path.stat().st_size < length):
            raise UserError(f"{path}: shorter than its checkpoint says; delete the folder to start this run again")
        self._path = path
        self._file = open(path, "r+b" if length else "wb")  # noqa: SIM115 - held open for the whole run
        self._file.truncate(length)
        self._file.seek(length)

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


def read_journal(path: Path, unfinished: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the entries of a ``metrics.jsonl``; each has an integer ``step`` and the name of its ``phase``.

    Args:
        path: the file.
        unfinished: whether the run may still be writing; a last line that is half written is left out then.

    Raises:
        UserError: the file cannot be read, or a line is damaged.
        FileNotFoundError: the file of an unfinished run is gone: the run ends at this moment.
    """
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        if unfinished and isinstance(error, FileNotFoundError):
            raise
        raise UserError(f"{path}: cannot be read ({error.strerror}); delete the run and rerun its job") from None
    if unfinished and lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not (isinstance(entry, dict) and type(entry.get("step")) is int and isinstance(entry.get("phase"), str)):
            raise UserError(
                f"{path}, line {number}: expected an object with an integer step and a phase; "
                "delete the run and rerun its job"
            )
        yield entry


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
