"""The folder of a run: names of its files, reading and writing them, whether it holds a finished run, removing them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uhn.configuration.run import RunConfig
from uhn.errors import UserError
from uhn.files import read_json, write_json
from uhn.schema import schema_problem

# In the order in which they appear: training writes four and ends with training.json, evaluation writes result.json.
RUN, METRICS, GENERATOR = "run.json", "metrics.jsonl", "generator.safetensors"
TRAINING, RESULT = "training.json", "result.json"
# A generated convolution kernel (Figure 4), and what came of a candidate of a sweep.
KERNEL, CANDIDATE = "kernel.npy", "candidate.json"
# Version of the layout of all JSON files of runs and sweeps.
SCHEMA_VERSION = 1


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
    """Read a JSON file of a run or sweep and check its layout.

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


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a JSON file of a run or sweep, with the version of its layout."""
    write_json(path, {"schema_version": SCHEMA_VERSION, **record})


def holds_training(folder: Path, config: RunConfig, device: str) -> bool:
    """Tell whether a folder holds the finished training of a configuration on a kind of device."""
    if not ((folder / RUN).exists() and (folder / TRAINING).exists()):
        return False
    run = read_json(folder / RUN)
    return (run["config_digest"], run["provenance"]["device"]) == (config.digest, device)


def holds_result(folder: Path, config: RunConfig, device: str) -> bool:
    """Tell whether a folder holds the finished run of a configuration on a kind of device."""
    return (folder / RESULT).exists() and holds_training(folder, config, device)


def discard_run(folder: Path) -> None:
    """Remove the files of a run, the marks of its completion first."""
    for name in (RESULT, TRAINING, RUN, METRICS, GENERATOR):
        (folder / name).unlink(missing_ok=True)
