"""Running workers one after the other, interleaved over rounds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tqdm import tqdm

from uhn.benchmarks.cases import ALLOCATORS, Case, Missing
from uhn.benchmarks.summary import Samples
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


def measure_machine(device: str = "cpu", precision: str = "float32") -> dict[str, Any]:
    """Return the machine's facts and the measured peaks of the device, on one thread of a CPU."""
    return run_child("uhn.benchmarks.roofline", [device, precision])


def run_rounds(cases: Sequence[Case], rounds: int, seconds: float) -> tuple[Samples, list[Missing]]:
    """Measure all cases in round 1, all in round 2, and so on.

    What fails in the first round, for lack of memory or of a compiler, is left out. A failure in a later round ends
    the run, and complete rounds are kept.

    Args:
        cases: what to measure.
        rounds: number of rounds.
        seconds: time that a worker fills with steps (it takes at least one block of them).

    Returns:
        What the workers printed, one entry per complete round, and the cases that were left out.

    Raises:
        UserError: ``released`` fails in the first round, with which all others are compared.
    """
    samples: dict[Case, list[dict[str, Any]]] = {case: [] for case in cases}
    missing: list[Missing] = []
    with tqdm(total=rounds * len(cases), unit="worker", disable=None) as bar:
        for done in range(rounds):
            for case in list(samples):
                bar.set_description(case.label)
                arguments = [json.dumps(asdict(case)), str(seconds)]
                try:
                    samples[case].append(run_child("uhn.benchmarks.worker", arguments, case.allocator))
                except UserError as error:
                    if done:
                        print(f"uhn: warning: {error}; keeping {done} of {rounds} rounds", file=sys.stderr)
                        return {case: own[:done] for case, own in samples.items()}, missing
                    if case.route == "released":
                        raise
                    missing.append(Missing(case, str(error)))
                    del samples[case]
                bar.update()
    return samples, missing
