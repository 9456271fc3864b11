"""metrics.jsonl: one JSON object per logged step, cut back to the checkpoint on resume."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from uhn.errors import UserError


class Journal:
    """Append-only log of a run.

    Args:
        path: the file.
        length: bytes of it that belong to the checkpoint resumed from; 0 starts anew.
    """

    def __init__(self, path: Path, length: int = 0) -> None:
        if length and (not path.exists() or path.stat().st_size < length):
            raise UserError(f"{path}: shorter than its checkpoint says; delete the folder to start this run again")
        self._file = open(path, "r+b" if length else "wb")  # noqa: SIM115 - held open for the whole run
        self._file.truncate(length)
        self._file.seek(length)

    def write(self, **entry: Any) -> None:
        """Append one entry of plain data; numbers that are not finite become null."""
        self._file.write(json.dumps(_finite(entry)).encode() + b"\n")

    def flush(self) -> int:
        """Bring everything to disk and return the file's length."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        self._file.close()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
