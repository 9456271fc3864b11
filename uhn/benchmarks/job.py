"""One whole run in a process of its own, and where its time goes.

``python -m uhn.benchmarks.job SETTING VARIANT SCALE`` prints one JSON line.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from uhn.allocator import keep_freed_memory

keep_freed_memory()

from uhn.configuration.resolve import load_experiment, resolve  # noqa: E402
from uhn.training import evaluate, runner  # noqa: E402
from uhn.training.fit import Fit  # noqa: E402

IMPORTED = time.process_time()  # since the process began
# Part -> functions that it is spent in.
PARTS = {
    "steps": [(Fit, "step")],
    "logging": [(Fit, "_log"), (Fit, "_log_mean")],
    "checkpoints": [(runner, "save_checkpoint")],
    "publishing": [(runner, "describe_counts"), (runner, "write_results")],
}


def time_calls(owner: Any, name: str, seconds: Counter[str], part: str) -> None:
    """Add the seconds that a function takes to a part, from now on."""
    original = getattr(owner, name)

    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return original(*args, **kwargs)
        finally:
            seconds[part] += time.perf_counter() - start

    setattr(owner, name, timed)


def measure(setting: str, variant: str, scale: str, seed: int = 1000) -> dict[str, float]:
    """Train and evaluate a run in a temporary folder; return the seconds of each part."""
    seconds: Counter[str] = Counter(imports=IMPORTED)
    for part, functions in PARTS.items():
        for owner, name in functions:
            time_calls(owner, name, seconds, part)
    config = resolve(load_experiment(setting), variant, seed, scale, "standin")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        start = time.perf_counter()
        runner.train_run(config, out, runner.JobOptions(scratch=Path(folder) / "scratch"))
        seconds["training"] = time.perf_counter() - start
        start = time.perf_counter()
        evaluate.evaluate_run(out)
        seconds["evaluation"] = time.perf_counter() - start
    return split_parts(seconds)


def split_parts(seconds: Counter[str]) -> dict[str, float]:
    """Turn times of nested functions into times of parts that add up."""
    inside = ("steps", "checkpoints", "publishing")  # logging is inside of steps
    return {
        "imports": seconds["imports"],
        "setup": seconds["training"] - sum(seconds[part] for part in inside),
        "steps": seconds["steps"] - seconds["logging"],
        **{part: seconds[part] for part in ("logging", "checkpoints", "publishing", "evaluation")},
    }


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:])))
