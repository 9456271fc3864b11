"""Writing files so that none is ever half written, reading JSON, checksums."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from uhn.errors import UserError


def write_json(path: Path, data: Any) -> None:
    """Write ``data`` as JSON so that ``path`` is either absent, the old file or the complete new one."""
    write_bytes(path, json_bytes(data))


def json_bytes(data: Any) -> bytes:
    """Return the content of a JSON file."""
    return (json.dumps(data, indent=2, allow_nan=False) + "\n").encode()


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
        return parse_json(Path(path).read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; expected the files of a finished run there") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable JSON file ({error}); delete it and rerun the job") from None


def parse_json(text: bytes) -> Any:
    """Parse JSON as the standard has it, without NaN and infinities.

    Raises:
        ValueError: it does not parse, or is nested deeper than any file of ours.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def sha256_of(path: Path) -> str:
    """Return the checksum of a file.

    Raises:
        UserError: the file is missing or cannot be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        raise UserError(f"{path}: missing; rerun the job that writes it") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); make it readable") from None
