"""Runs of earlier releases, brought to the present layout of their files. No number changes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from uhn.configuration.run import RunConfig
from uhn.errors import UserError
from uhn.files import json_bytes, read_json, sha256_of, write_bytes
from uhn.runs.folder import (
    CANDIDATE,
    GENERATOR,
    KERNEL,
    METRICS,
    RESULT,
    RUN,
    SCHEMA_VERSION,
    TRAINING,
    read_record,
    sealed,
    write_record,
)
from uhn.runs.identity import read_finished, read_identity, read_metadata
from uhn.runs.journal import OWNER

OLD_KERNEL = "kernel.npy"
# Precision when run.json did not state it yet.
OLD_PRECISION = {"cpu": "float32", "cuda": "float16"}


def migrate_run(folder: Path) -> bool:
    """Bring the files of a run, or of a candidate of a sweep, to the present layout.

    Its configuration gets the fields that came later, with the values that changed nothing; the digest is computed
    again, and every file gets it. A migration that was killed goes on where it was: run.json comes last.

    Returns:
        Whether anything was written.

    Raises:
        UserError: a file is damaged, or does not belong to the others.
    """
    if not (folder / RUN).exists():
        return _migrate_candidate(folder, None, None)
    run, old_digest = _new_run(folder)
    new = _Files(folder)
    run_bytes = json_bytes(run)
    sums = {"run_sha256": hashlib.sha256(run_bytes).hexdigest()}
    if (folder / METRICS).exists():
        new.add(METRICS, _new_metrics((folder / METRICS).read_bytes(), run["config_digest"]))
        sums["metrics_sha256"] = new.sha256(METRICS)
    weights = _new_weights(folder, run["config_digest"])
    if (folder / TRAINING).exists():
        new.add(TRAINING, json_bytes(_new_training(folder, run, old_digest, sums, weights)))
    if weights is not None:
        new.add(GENERATOR, weights)
    if (folder / OLD_KERNEL).exists() and weights is not None:
        new.add(KERNEL, _new_kernel(folder, run["config_digest"], weights))
    result = None
    if (folder / RESULT).exists():
        training = {"training_sha256": new.sha256(TRAINING) if (folder / TRAINING).exists() else None}
        result = _new_record(folder / RESULT, "result", run, old_digest, sums | training)
        new.add(RESULT, json_bytes(result))
    new.add(RUN, run_bytes)
    written = new.write()
    (folder / OLD_KERNEL).unlink(missing_ok=True)
    return _migrate_candidate(folder, run, result) or written


def drop_weights(folder: Path) -> bool:
    """Say in result.json, or candidate.json, that what it was made from is not kept; for runs that are published.

    Returns:
        Whether anything was written.

    Raises:
        UserError: training.json or the weights are still there.
    """
    if left := [name for name in (TRAINING, GENERATOR) if (folder / name).exists()]:
        raise UserError(f"{folder / left[0]}: expected no {left[0]} of a run without weights; delete it first")
    for name, schema, key, kept in (
        (RESULT, "result", "training_sha256", TRAINING),
        (CANDIDATE, "candidate", "result_sha256", RESULT),
    ):
        if (folder / name).exists() and not (folder / kept).exists():
            record = read_record(folder / name, schema)
            if record[key] is not None:
                write_record(folder / name, record | {key: None})
                return True
    return False


class _Files:
    """New contents of files, written in the order in which they were added where they differ."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._contents: dict[str, bytes] = {}

    def add(self, name: str, content: bytes) -> None:
        self._contents[name] = content

    def sha256(self, name: str) -> str:
        return hashlib.sha256(self._contents[name]).hexdigest()

    def write(self) -> bool:
        changed = False
        for name, content in self._contents.items():
            path = self._folder / name
            if not path.exists() or path.read_bytes() != content:
                write_bytes(path, content)
                changed = True
        return changed


def _new_run(folder: Path) -> tuple[dict[str, Any], str | None]:
    """Return the new content of run.json, and the digest that files of its old layout name."""
    path = folder / RUN
    run = read_json(path)
    if _version(path, run) == SCHEMA_VERSION:
        return read_record(path, "run"), None
    try:
        payload = json.dumps({"config": run["config"], "code_version": run["code_version"]}, sort_keys=True)
        digest = hashlib.sha256(payload.encode()).hexdigest()
        config = RunConfig.from_dict(_new_config(run["config"]))
        old_digest = run["config_digest"]
    except (AttributeError, KeyError, TypeError, ValueError, UserError) as error:
        raise UserError(f"{path}: holds no configuration of a run ({error!r}); delete the run") from None
    if digest != old_digest:
        raise UserError(
            f"{path}: its configuration has digest {digest[:12]}, expected {str(old_digest)[:12]} as it says; "
            "restore the file, or delete the run"
        )
    new = {"config": config.to_dict(), "config_digest": config.digest_of(run["code_version"])}
    return sealed(run | new), old_digest


def _new_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration with the fields of the present layout, some of which from_dict adds."""
    if "tasks" in config:
        return dict(config)
    if config["task"] != "formula_regression":
        raise ValueError(f"task: expected formula_regression in this layout, got {config['task']}")
    task = {"name": config["dataset"], "kind": config["task"], "reduction": {}}
    task |= {key: config[key] for key in ("dataset", "model", "metric")}
    train, init = config["train"], config["init"]
    uhn = config["method"] == "uhn"
    return {key: config[key] for key in ("setting", "variant", "seed", "scale", "method", "hypernetwork")} | {
        "mode": "final",
        "source": "formula",
        "tasks": [task],
        "generation": {"compile_trunk": "none"} if uhn else None,
        "depth": None,
        "init": {"steps": init["steps"], "lr": [init["lr"]]} if init else None,
        "train": {"budget": train["epochs"], "unit": "epochs", "lr": train["lr"], "warmup": train["warmup_epochs"]},
        "optimizer": config["optimizer"],
        "precision": OLD_PRECISION,
    }


def _new_metrics(content: bytes, digest: str) -> bytes:
    header = json.dumps({OWNER: digest}).encode() + b"\n"
    return content if content.startswith(header) else header + content


def _new_weights(folder: Path, digest: str) -> bytes | None:
    path = folder / GENERATOR
    if not path.exists():
        return None
    metadata = read_metadata(path)
    content = path.read_bytes()
    return content if "run" in metadata else save(load(content), metadata={"run": digest})


def _new_kernel(folder: Path, digest: str, weights: bytes) -> bytes:
    path = folder / OLD_KERNEL
    try:
        kernel = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path}: is no readable array ({error}); delete it") from None
    metadata = {"run": digest, "generator_sha256": hashlib.sha256(weights).hexdigest()}
    return save({"kernel": np.ascontiguousarray(kernel)}, metadata=metadata)


def _new_training(
    folder: Path, run: Mapping[str, Any], old_digest: str | None, sums: Mapping[str, str], weights: bytes | None
) -> dict[str, Any]:
    path = folder / TRAINING
    training = read_json(path)
    new_sum = hashlib.sha256(weights).hexdigest() if weights is not None else None
    if _version(path, training) < SCHEMA_VERSION and weights is not None:
        if training.get("generator_sha256") != (found := sha256_of(folder / GENERATOR)):
            expected = str(training.get("generator_sha256"))[:12]
            raise UserError(f"{folder / GENERATOR}: has sha256 {found[:12]}, expected {expected} as in {TRAINING}")
        return _new_record(path, "training", run, old_digest, {**sums, "generator_sha256": new_sum})
    record = _new_record(path, "training", run, old_digest, sums)
    if weights is not None and record["generator_sha256"] != new_sum:
        expected = record["generator_sha256"][:12]
        raise UserError(f"{folder / GENERATOR}: would have sha256 {new_sum[:12]}, expected {expected} as in {TRAINING}")
    return record


def _new_record(
    path: Path, schema: str, run: Mapping[str, Any], old_digest: str | None, new: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the new content of training.json or result.json; of one that is new already, as it is."""
    record = read_json(path)
    if _version(path, record) == SCHEMA_VERSION:
        record = read_record(path, schema)
        if record["config_digest"] != run["config_digest"]:
            raise UserError(
                f"{path}: belongs to run {record['config_digest'][:12]}, expected {run['config_digest'][:12]}"
            )
        return record
    found = record.get("config_digest", old_digest)  # training.json had none
    if old_digest is not None and found != old_digest:
        raise UserError(f"{path}: belongs to run {str(found)[:12]}, expected {old_digest[:12]} as in {RUN}")
    if missing := {"run_sha256", "metrics_sha256"} - new.keys():
        raise UserError(f"{path}: expected {METRICS} beside it ({', '.join(sorted(missing))}); restore it")
    return sealed(record | {"config_digest": run["config_digest"]} | new)


def _migrate_candidate(folder: Path, run: Mapping[str, Any] | None, result: Mapping[str, Any] | None) -> bool:
    path = folder / CANDIDATE
    if not path.exists():
        return False
    record = read_json(path)
    if _version(path, record) == SCHEMA_VERSION:
        return False
    trained = record.get("status") != "skipped"
    if trained and run is None:
        raise UserError(f"{path}: expected {RUN} beside a candidate that ran; restore it")
    made_from = {
        "config_digest": run["config_digest"] if trained else None,
        "result_sha256": result["content_sha256"] if trained and result else None,
    }
    write_record(path, record | made_from)
    read_record(path, "candidate")
    return True


def _version(path: Path, record: Any) -> int:
    version = record.get("schema_version") if isinstance(record, dict) else None
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise UserError(f"{path}: has schema version {version}, expected 1 to {SCHEMA_VERSION}; delete the run")
    return version


def check_migrated(folder: Path) -> None:
    """Read what a migration wrote as every reader does.

    Raises:
        UserError: it does not fit.
    """
    if (folder / RESULT).exists():
        read_finished(folder, weights=(folder / GENERATOR).exists())
    elif (folder / RUN).exists():
        read_identity(folder)
