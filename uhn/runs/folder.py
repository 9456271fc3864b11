"""The folder of a run: the layout of its files, reading them, removing them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from uhn.errors import UserError
from uhn.files import read_json
from uhn.schema import schema_problem

# Version of the layout of run.json, training.json and result.json.
SCHEMA_VERSION = 1


def discard_run(folder: Path) -> None:
    """Remove the files of a run, the marks of its completion first."""
    for name in ("result.json", "training.json", "run.json", "metrics.jsonl", "generator.safetensors"):
        (Path(folder) / name).unlink(missing_ok=True)


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
