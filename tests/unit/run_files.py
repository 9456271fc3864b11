"""Folders of finished runs, written without training: everything is in them that a reader checks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import RunConfig
from uhn.runs.folder import sealed, write_record

BASE = resolve(load_experiment("kan_kv"), "uhn", 1, "demo")
COUNTS = {"target": 254, "trainable": 254, "printed": 254}
COST = {"wall_s": 2.0, "cpu_s": 1.5, "step_s": 0.02, "peak_memory_bytes": 1000, "device": "cpu", "threads": 1}
LINES = ({"phase": "train", "step": 0, "loss": 0.5, "lr": 0.1, "elapsed_s": 0.1},)


def config_of(
    setting: str = "kan_kv", variant: str = "uhn", seed: int = 1, scale: str = "demo", **changes
) -> RunConfig:
    """Return a configuration of any name, also one that no experiment has."""
    return replace(BASE, setting=setting, variant=variant, seed=seed, scale=scale, **changes)


def write_run(
    folder: Path,
    config: RunConfig = BASE,
    *,
    run: Mapping[str, Any] | None = None,
    result: Mapping[str, Any] | None = None,
    lines: Iterable[Mapping[str, Any]] = LINES,
    weights: bool = True,
) -> Path:
    """Write all files of a finished run that belong together.

    Args:
        folder: its folder.
        config: its configuration.
        run, result: changes of run.json and result.json.
        lines: of the journal.
        weights: whether training.json and generator.safetensors are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = {key: getattr(config, key) for key in ("setting", "variant", "seed", "scale")}
    data = {"dataset": config.tasks[0].dataset, "source": "formula", "note": None}
    code = {"code_version": 1, "source_digest": "5eed5eed5eed5eed"} | {
        key: value for key, value in (run or {}).items() if key in ("code_version", "source_digest")
    }
    digest = config.digest_of(code["code_version"])
    write_record(
        folder / "run.json",
        {**names, "config": config.to_dict(), "config_digest": digest, **code}
        | {"provenance": {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": False, "device": "cpu"}}
        | {"data": data | {"train_sha256": "c0de"}, "started_at": "2025-01-31T12:00:00+00:00"}
        | dict(run or {}),
    )
    entries = [{"run": digest}, *lines]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    outcome = {"status": "completed", "reason": None, "parameters": {"run": COUNTS, "paper": COUNTS}}
    outcome |= {"steps": {"init": 10, "train": 100}, "cost": COST}
    training = None
    if weights:
        tensors = {"weight": np.full(3, config.seed, np.float32)}
        (folder / "generator.safetensors").write_bytes(save(tensors, metadata={"run": digest}))
        bound = {f"{name.split('.')[0]}_sha256": sha256(folder / name) for name in ("run.json", "metrics.jsonl")}
        bound["generator_sha256"] = sha256(folder / "generator.safetensors")
        write_record(folder / "training.json", {**outcome, "metrics": {}, "config_digest": digest, **bound})
        training = sha256(folder / "training.json")
    content = {**names, **outcome, "metrics": {"test/rmse": 0.01}, "data": data, "config_digest": digest, **code}
    content |= dict(result or {})
    bound = {"run_sha256": sha256(folder / "run.json"), "metrics_sha256": sha256(folder / "metrics.jsonl")}
    write_record(folder / "result.json", content | bound | {"training_sha256": training})
    return folder


def edit(path: Path, change: Callable[[dict[str, Any]], Any], seal: bool = True) -> None:
    """Change a JSON file of a run, and seal it again."""
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(sealed(data) if seal else data))


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
