"""Running workers one after the other, interleaved over rounds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from tqdm import tqdm

from uhn.benchmarks.cases import ALLOCATORS, Case
from uhn.errors import UserError
from uhn.paths import REPOSITORY


def child_environment(allocator: str) -> dict[str, str]:
    """Return the environment of a worker: one thread, the named allocator settings and no others."""
    known = {name for settings in ALLOCATORS.values() for name in settings}
    inherited = {name: value for name, value in os.environ.items() if name not in known}
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    return inherited | threads | ALLOCATORS[allocator] | {"PYTHONPATH": path}


def run_child(module: str, arguments: Sequence[str], allocator: str = "default") -> dict[str, Any]:
    """Run a module as a process and return what it prints.

    Raises:
        UserError: the process fails; with the last line of its errors.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env=child_environment(allocator),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}; out of memory?"])[-1]
        raise UserError(f"benchmark worker '{' '.join(arguments)}' failed: {reason}")
    return json.loads(done.stdout)


def measure_machine() -> dict[str, Any]:
    """Return the machine's facts and its measured peaks on one thread."""
    return run_child("uhn.benchmarks.roofline", [])


def run_rounds(cases: Sequence[Case], rounds: int, seconds: float) -> dict[Case, list[dict[str, Any]]]:
    """Measure all cases in round 1, all in round 2, and so on.

    A worker that fails after the first round (killed for memory, say) ends the run; complete rounds are kept.

    Args:
        cases: what to measure.
        rounds: number of rounds.
        seconds: time that a worker fills with steps (it takes at least one).

    Returns:
        What the workers printed, one entry per complete round.

    Raises:
        UserError: a worker fails in the first round.
    """
    complete: list[list[dict[str, Any]]] = []
    with tqdm(total=rounds * len(cases), unit="worker", disable=None) as bar:
        for _ in range(rounds):
            try:
                complete.append([_run_worker(case, seconds, bar) for case in cases])
            except UserError as error:
                if not complete:
                    raise
                print(f"uhn: warning: {error}; keeping {len(complete)} of {rounds} rounds", file=sys.stderr)
                break
    return {case: list(own) for case, own in zip(cases, zip(*complete, strict=True), strict=True)}


def _run_worker(case: Case, seconds: float, bar: tqdm) -> dict[str, Any]:
    bar.set_description(f"{case.target} {case.label}")
    sample = run_child("uhn.benchmarks.worker", [*case.arguments(), "--seconds", str(seconds)], case.allocator)
    bar.update()
    return sample
