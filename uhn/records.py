"""Reading and writing the files of a run (design: files first; tables and tracking read nothing else)."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from uhn.errors import UserError

# Version of the layout of run.json, training.json and result.json.
SCHEMA_VERSION = 1

SCHEMA_DIR = Path(__file__).parent / "schemas"


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Return the JSON schema ``uhn/schemas/<name>.schema.json``."""
    return json.loads((SCHEMA_DIR / f"{name}.schema.json").read_text())


def schema_problem(data: Any, schema: str) -> str | None:
    """Return the first deviation of ``data`` from a schema as ``where: what``, or None."""
    validator = jsonschema.Draft202012Validator(load_schema(schema))
    error = jsonschema.exceptions.best_match(validator.iter_errors(data))
    if error is None:
        return None
    where = ".".join(str(part) for part in error.absolute_path) or "top level"
    message = error.message
    if error.validator == "type":
        hint = number_hint(error.instance) if "number" in str(error.validator_value) else ""
        message = f"expected {error.validator_value}, got {error.instance!r}{hint}"
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(key for key in error.instance if key not in known)
        message = f"unknown key {unknown!r}; expected {', '.join(known)}"
    elif error.validator == "not":
        message = "not allowed here; remove it"
    elif error.validator == "enum":
        message = f"{error.instance!r} is not one of {', '.join(map(str, error.validator_value))}"
    return f"{where}: {message}"


def number_hint(value: Any) -> str:
    """Explain YAML 1.1's reading of ``1e-3`` as a string, where that is the likely mistake."""
    try:
        return f" (a string; in YAML write {float(value):.1e} with a decimal point)" if isinstance(value, str) else ""
    except ValueError:
        return ""


def discard_run(folder: Path) -> None:
    """Remove the files of a run, the marks of its completion first."""
    for name in ("result.json", "training.json", "run.json", "metrics.jsonl", "generator.safetensors"):
        (Path(folder) / name).unlink(missing_ok=True)


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
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; expected the files of a finished run there") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable JSON file ({error}); delete it and rerun the job") from None


def read_record(path: Path, schema: str) -> dict[str, Any]:
    """Read ``run.json``, ``training.json`` or ``result.json`` and check its layout.

    Raises:
        UserError: the file is missing, damaged, of another schema version, or not of this layout.
    """
    data = read_json(path)
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path}: has schema version {version}, this release reads {SCHEMA_VERSION}; "
            "delete the file and rerun its job"
        )
    if problem := schema_problem(data, schema):
        raise UserError(f"{path}: {problem}; delete the file and rerun its job")
    return data
