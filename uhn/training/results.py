"""The files of a finished training job: weights, journal, run.json and, last, training.json."""

from __future__ import annotations

import hashlib
import resource
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as save_safetensors

from uhn.files import sha256_of, write_bytes
from uhn.metrics import not_finite
from uhn.runs.folder import GENERATOR, METRICS, RUN, TRAINING, write_record
from uhn.training.fit import Fit
from uhn.training.precision import autocast


def write_results(fit: Fit, run: str, counts: dict[str, Any], work: Path, out: Path) -> None:
    """Write the files of a finished job to its folder; training.json comes last and marks completion.

    Args:
        fit: the loop, all of whose steps are done.
        run: digest of the run.
        counts: sections of training.json about sizes, see :func:`uhn.training.counts.describe_counts`.
        work: folder of the job's run.json and metrics.jsonl.
        out: folder of the run.
    """
    tensors = {name: t.cpu().contiguous() for name, t in fit.generator.state_dict().items()}
    weights = save_safetensors(tensors, metadata={"run": run})
    diverged = fit.progress.diverged
    metrics = {} if diverged else evaluate_training(fit)
    reason = f"loss not finite at {diverged}" if diverged else not_finite(metrics)
    steps = {kind: sum(phase.steps for phase in fit.phases if phase.kind == kind) for kind in ("init", "train")}
    write_bytes(out / GENERATOR, weights)
    for name in (METRICS, RUN):
        write_bytes(out / name, (work / name).read_bytes())
    write_record(
        out / TRAINING,
        {
            "status": "diverged" if reason else "completed",
            "reason": reason,
            "metrics": {} if reason else metrics,
            **counts,
            "steps": steps,
            "cost": {
                "wall_s": round(fit.progress.wall_s, 3),
                "cpu_s": round(fit.progress.cpu_s, 3),
                "step_s": round(fit.progress.train_s / max(steps["train"], 1), 6),
                "peak_memory_bytes": peak_memory_bytes(fit.device),
                "device": fit.device.type,
                "threads": torch.get_num_threads(),
            },
            "config_digest": run,
            "run_sha256": sha256_of(out / RUN),
            "metrics_sha256": sha256_of(out / METRICS),
            "generator_sha256": hashlib.sha256(weights).hexdigest(),
        },
    )


@torch.no_grad()
def evaluate_training(fit: Fit) -> dict[str, float]:
    """Return the final training metrics of a run on one model; runs on several models report none."""
    if len(fit.members) > 1 or fit.members[0].targets.is_family:
        return {}
    (member,) = fit.members
    target = member.targets.only()
    with autocast(fit.precision, fit.device):
        metrics = member.task.evaluate(target, fit.generator(target))
    return {f"train/{name}": value for name, value in metrics.items()}


def peak_memory_bytes(device: torch.device) -> int:
    """Return the peak of allocated GPU memory, or of the process's resident memory on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
