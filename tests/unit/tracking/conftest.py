"""Synthetic run directories and stores."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from run_files import config_of
from run_files import write_run as write_files

COUNTS = {"target": 1200, "trainable": 345, "printed": 400}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def write_run(root: Path, **changes: Any) -> Path:
    """Write a run directory; ``changes`` replace identity, ``result``, ``run``, ``config`` or ``lines``."""
    identity = {"setting": "kan", "variant": "uhn", "seed": 0, "scale": "demo"}
    identity |= {key: changes.pop(key) for key in list(changes) if key in identity}
    run = {"code_version": 3, "source_digest": "feed"} | changes.pop("run", {})
    result = {
        "metrics": {"test/rmse": 0.5 + identity["seed"], "train/loss": 0.125},
        "parameters": {"run": COUNTS, "paper": COUNTS},
        "steps": {"init": 2, "train": 3},
        "cost": {
            "wall_s": 12.5, "cpu_s": 11.0, "step_s": 0.25, "peak_memory_bytes": 4096,
            "device": "cpu", "threads": 1,
        },
    }  # fmt: skip
    result |= changes.pop("result", {})
    lines = changes.pop("lines", [step_line(k, "init" if k < 2 else "train") for k in range(5)])
    config = config_of(**identity, **changes.pop("config", {}))
    assert not changes, f"unknown changes {changes}"
    path = root.joinpath("runs", identity["setting"], identity["variant"], f"seed{identity['seed']}")
    return write_files(path, config, run=run, result=result, lines=lines, weights=False)


def step_line(step: int, phase: str, **values: Any) -> dict[str, Any]:
    """Return a logged step."""
    return {
        "step": step,
        "phase": phase,
        "loss": 1 / (step + 1),
        "lr": 0.001,
        "elapsed_s": 0.5 * step,
    } | values


@pytest.fixture
def make_run(tmp_path):
    """Return a function that writes run directories below the test's folder."""
    return lambda **changes: write_run(tmp_path / "results" / changes.get("scale", "demo"), **changes)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """Return a store with its schema and nothing else; making one takes seconds, a copy does not."""
    from uhn.tracking import store

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    before = dict(os.environ)
    with store.opened(f"sqlite:///{path}"):
        pass
    os.environ.clear()
    os.environ.update(before)
    return path


@pytest.fixture
def uri(tmp_path, empty_store, monkeypatch) -> str:
    """Return the URI of a fresh store in the test's folder, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "MLFLOW_LOGGING_LEVEL"):
        monkeypatch.setenv(name, "true" if name != "MLFLOW_LOGGING_LEVEL" else "WARNING")
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture
def contents():
    """Return a function that lists the active runs of a store: run key -> run."""

    def read(uri: str, experiment: str = "uhn-demo"):
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=uri)
        found = client.get_experiment_by_name(experiment)
        runs = client.search_runs([found.experiment_id], max_results=1000) if found else []
        by_key = {run.data.tags["uhn.run_key"]: run for run in runs}
        assert len(by_key) == len(runs), "a run is in the store twice"
        return by_key

    return read
