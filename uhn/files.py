"""Writing files so that none is ever half written, and reading JSON."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from uhn.errors import UserError


def write_json(path: Path, data: Any) -> None:
    """Write ``data`` as JSON so that ``path`` is either absent, the old file or the complete new one."""
    write_bytes(path, (json.dumps(data, indent=2, allow_nan=False) + "\n").encode())


def write_bytes(path: Path, payload: bytes) -> None:
    """Write a file by rename, so that a crash or a full disk never leaves half of it under its name."""
    path = Path(path)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")  # caches are written by several jobs at once
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(partial, "wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):  # a read-only file system refuses this too
            partial.unlink(missing_ok=True)
        raise UserError(
            f"{path}: cannot be written ({error.strerror}); free space or make the folder writable, then rerun"
        ) from error


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        UserError: the file is missing or does not parse (a truncated file, say).
    """
    try:
        return json.loads(Path(path).read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; expected the files of a finished run there") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable JSON file ({error}); delete it and rerun the job") from None
