"""What runs in progress have written so far."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uhn.errors import UserError
from uhn.locks import LockFile
from uhn.runs.folder import METRICS, RUN
from uhn.runs.journal import read_journal


@dataclass(frozen=True)
class RunProgress:
    """A run that has begun and is not finished, as of its journal's last lines on disk.

    Args:
        key: setting, variant, seed and scale.
        phase: name of the phase it is in; empty before the first line.
        step, steps: taken in this phase, and its length.
        loss: of the last step that was logged; None if not finite, or before the first line.
        elapsed_s: seconds of all steps so far.
        left_s: estimate for the steps that are left, None before the first.
        running: whether a process holds the run, None if unknown; one that was stopped continues from its checkpoint.
        fault: why its files cannot be read, else None; the key is then its folder, and the numbers mean nothing.
    """

    key: str
    phase: str
    step: int
    steps: int
    loss: float | None
    elapsed_s: float
    left_s: float | None
    running: bool | None
    fault: str | None = None


def runs_in_progress(scratch: Path) -> list[RunProgress]:
    """Return the runs with a working folder under ``scratch``, by key."""
    found = (_read_or_name(path.parent) for path in scratch.glob(f"runs/*/{RUN}"))
    return sorted((run for run in found if run is not None), key=lambda run: run.key)


def _read_or_name(folder: Path) -> RunProgress | None:
    """Read a working folder; of a damaged one return its name and what is wrong, so that it hides no other."""
    try:
        return _read(folder)
    except Exception as error:  # damaged files can raise nearly anything
        fault = f"cannot be read ({type(error).__name__}: {error}); delete the folder and rerun the job"
        return RunProgress(str(folder), "", 0, 0, None, 0.0, None, False, " ".join(fault.split()))


def _read(folder: Path) -> RunProgress | None:
    """Read a working folder; None if its run ends meanwhile, or was begun before run.json stated its phases."""
    try:
        run = json.loads((folder / RUN).read_bytes())
        entries = list(read_journal(folder / METRICS, unfinished=True))
        running = _is_held(folder / "lock")
    except FileNotFoundError:
        return None
    if run.get("phases") is None:
        return None
    key = f"{run['setting']}/{run['variant']}/seed{run['seed']} ({run['scale']})"
    phases = run["phases"]
    if not entries:
        return RunProgress(key, "", 0, sum(phases.values()), None, 0.0, None, running)
    last = entries[-1]
    losses = [entry["loss"] for entry in entries if "loss" in entry]
    step, steps = last["step"] + 1, phases[last["phase"]]
    names = list(phases)
    before = sum(phases[name] for name in names[: names.index(last["phase"])])
    left = sum(phases.values()) - before - step
    left_s = _seconds_per_step(entries) * left
    return RunProgress(
        key, last["phase"], step, steps, losses[-1] if losses else None, last["elapsed_s"], left_s, running
    )


def _seconds_per_step(entries: list[dict[str, Any]]) -> float:
    """Return the mean over the present phase, whose steps are alike."""
    last = entries[-1]
    before = [entry["elapsed_s"] for entry in entries if entry["phase"] != last["phase"]]
    return (last["elapsed_s"] - (before[-1] if before else 0.0)) / (last["step"] + 1)


def _is_held(lock: Path) -> bool | None:
    with LockFile(lock, "", read_only=True) as file:
        try:
            return not file.take(shared=True, wait=False)
        except UserError:  # the file system has no locks
            return None
