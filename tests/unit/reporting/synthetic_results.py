"""Synthetic result files for the tests of reporting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from run_files import LINES, config_of, write_run

TARGETS = {"run": 97, "paper": 254}
# What ties a result to the other files of its run
BOUND = ("schema_version", "config_digest", "run_sha256", "metrics_sha256", "training_sha256", "content_sha256")
GENERATOR = {"run": (70_785, 73_365), "paper": (591_617, 612_117)}


def counts(variant: str, where: str) -> dict[str, int]:
    """Parameter counts of one variant, in the layout of result.json."""
    target = TARGETS[where]
    trainable, printed = (target, target) if variant == "direct" else GENERATOR[where]
    return {"target": target, "trainable": trainable, "printed": printed}


def record(setting: str, variant: str, seed: int, value: float | None, **changes: Any) -> dict[str, Any]:
    """Compose a result; ``value`` is the test RMSE, None a diverged run."""
    completed = value is not None
    data = {
        "setting": setting,
        "variant": variant,
        "seed": seed,
        "scale": "demo",
        "status": "completed" if completed else "diverged",
        "reason": None if completed else "loss is not finite",
        "metrics": {"test/rmse": value} if completed else {},
        "parameters": {where: counts(variant, where) for where in ("run", "paper")},
        "steps": {"init": 10, "train": 100},
        "cost": {
            "wall_s": 2.0 + seed,
            "cpu_s": 3.0,
            "step_s": 0.02,
            "peak_memory_bytes": 1000,
            "device": "cpu",
            "threads": 1,
        },
        "data": {"dataset": setting.removeprefix("kan_"), "source": "formula", "note": None},
        "code_version": 1,
        "source_digest": "5eed5eed5eed5eed",
    }
    return {**data, **changes}


def write(runs: Path, data: dict[str, Any], lines: Iterable[Mapping[str, Any]] = LINES) -> Path:
    """Write a run with a result where it belongs, without weights; return the path of the result."""
    config = config_of(*(data[key] for key in ("setting", "variant", "seed", "scale")))
    code = {key: data[key] for key in ("code_version", "source_digest")}
    data = {key: value for key, value in data.items() if key not in BOUND}
    folder = runs / data["setting"] / data["variant"] / f"seed{data['seed']}"
    return write_run(folder, config, run=code, result=data, lines=lines, weights=False) / "result.json"
