"""The folder of a run: names of its files, reading and writing its JSON files, removing them.

Every JSON file ends with a seal, the sha256 of its own content: a number that was edited by hand, or damaged, is
noticed. It guards against accidents, not against forgers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uhn.errors import UserError
from uhn.files import read_json, write_json
from uhn.schema import schema_problem

# In the order in which they appear: training writes four and ends with training.json, evaluation writes result.json.
RUN, METRICS, GENERATOR = "run.json", "metrics.jsonl", "generator.safetensors"
TRAINING, RESULT = "training.json", "result.json"
TRAINED = (RUN, METRICS, GENERATOR, TRAINING)
# A generated convolution kernel (Figure 4), and what came of a candidate of a sweep.
KERNEL, CANDIDATE = "kernel.safetensors", "candidate.json"
# Version of the layout of all files of runs and sweeps; `uhn migrate` brings older ones to it.
SCHEMA_VERSION = 2
SEAL = "content_sha256"


def read_run(folder: Path) -> dict[str, Any]:
    """Read ``run.json``; see :func:`read_record`."""
    return read_record(folder / RUN, "run")


def read_training(folder: Path) -> dict[str, Any]:
    """Read ``training.json``; see :func:`read_record`."""
    return read_record(folder / TRAINING, "training")


def read_result(folder: Path) -> dict[str, Any]:
    """Read ``result.json``; see :func:`read_record`."""
    return read_record(folder / RESULT, "result")


def read_record(path: Path, schema: str) -> dict[str, Any]:
    """Read a JSON file of a run or sweep, check its layout and its seal.

    Raises:
        UserError: the file is missing, damaged, edited, of another schema version, or not of this layout.
    """
    data = read_json(path)
    version = data.get("schema_version") if isinstance(data, dict) else None
    if version in range(1, SCHEMA_VERSION) and version is not True:
        raise UserError(
            f"{path}: has schema version {version}, this release reads {SCHEMA_VERSION}; bring it there with: "
            f"uhn migrate {path.parent}"
        )
    if version != SCHEMA_VERSION:
        raise UserError(
            f"{path}: has schema version {version}, this release reads {SCHEMA_VERSION}; "
            "delete the file and rerun its job"
        )
    if problem := schema_problem(data, schema):
        raise UserError(f"{path}: {problem}; delete the file and rerun its job")
    if data[SEAL] != (found := seal_of(data)):
        raise UserError(
            f"{path}: edited or damaged, its content has sha256 {found[:12]}, expected {data[SEAL][:12]}; "
            "restore the file, or delete it and rerun its job"
        )
    return data


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a JSON file of a run or sweep, with the version of its layout and its seal."""
    write_json(path, sealed(record))


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record with the version of its layout first and its seal last, those that it has replaced."""
    content = {"schema_version": SCHEMA_VERSION} | {
        key: value for key, value in record.items() if key not in ("schema_version", SEAL)
    }
    return content | {SEAL: seal_of(content)}


def seal_of(record: Mapping[str, Any]) -> str:
    """Return the sha256 of a record's content but for its seal; the order of keys does not matter."""
    content = {key: value for key, value in record.items() if key != SEAL}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def discard_run(folder: Path) -> None:
    """Remove the files of a run, the marks of its completion first."""
    for name in (RESULT, TRAINING, RUN, METRICS, GENERATOR):
        (folder / name).unlink(missing_ok=True)
