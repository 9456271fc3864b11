"""The evaluation job: the only code that reads test data. Writes result.json.

A tuning run is evaluated on its validation examples instead, and opens no test data.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from uhn.data.sources import STANDIN, DataSource
from uhn.files import sha256_of
from uhn.hypernetworks.generator import Generator
from uhn.metrics import not_finite
from uhn.models.distance import nearest_distances
from uhn.runs.folder import RESULT, TRAINING, write_record
from uhn.runs.identity import read_trained, require_code_version
from uhn.training.build import load_generator
from uhn.training.members import Member, load_members
from uhn.training.precision import autocast
from uhn.training.targets import TargetSet

CPU = torch.device("cpu")


def evaluate_run(run_dir: Path, source: DataSource = STANDIN, threads: int = 1, device: torch.device = CPU) -> None:
    """Evaluate the final weights of a finished training job and write result.json.

    In the precision of training, as the release does: generation rounds in it, and weights that were fitted with that
    rounding are worse without it.

    A run has diverged if a metric of its final weights is not finite, as it has if its training loss was not.

    Raises:
        UserError: files of the training job or data are missing, damaged, of another run or version.
    """
    torch.set_num_threads(threads)
    config, run, training = read_trained(run_dir)
    require_code_version(run_dir, run)
    outcome = {key: training[key] for key in ("status", "reason")}
    metrics, models = dict(training["metrics"]), []
    if training["status"] == "completed":
        split = "validation" if config.mode == "tuning" else "test"
        members = load_members(config, split, source, device)
        targets = [member.targets for member in members]
        generator = load_generator(run_dir, config, targets).to(device)
        for member in members:
            prefix = f"{split}/{member.name}" if len(members) > 1 else split
            with autocast(run["precision"], device):
                evaluated = evaluate_models(generator, member)
            metrics |= {f"{prefix}/{name}": value for name, value in mean_metrics(evaluated).items()}
            models += describe_models(evaluated, member.targets) if member.targets.is_family else []
    if reason := not_finite(metrics):
        outcome, metrics, models = {"status": "diverged", "reason": reason}, {}, []
    write_record(
        run_dir / RESULT,
        {
            **{key: run[key] for key in ("setting", "variant", "seed", "scale")},
            **outcome,
            "metrics": metrics,
            **({"models": models} if models else {}),
            **{key: training[key] for key in ("parameters", "family", "steps", "cost") if key in training},
            "hyperparameters": config.hyperparameters(training["cost"]["device"]),
            "evaluated_on": device.type,
            "data": {key: run["data"][key] for key in ("dataset", "source", "note")},
            **{key: run[key] for key in ("config_digest", "code_version", "source_digest")},
            **{key: training[key] for key in ("run_sha256", "metrics_sha256")},
            "training_sha256": sha256_of(run_dir / TRAINING),
        },
    )


@torch.no_grad()
def evaluate_models(generator: Generator, member: Member) -> list[dict[str, Any]]:
    """Evaluate every reported target model of a task, generating the weights of each once."""
    evaluated = []
    for split, names in member.targets.roles.reported.items():
        for name in names:
            target = member.targets.build(name)
            metrics = member.task.evaluate(target, generator(target))
            evaluated.append({"name": name, "split": split, "parameters": target.num_params, "metrics": metrics})
    return evaluated


def describe_models(evaluated: list[dict[str, Any]], targets: TargetSet) -> list[dict[str, Any]]:
    """Add to each evaluated member of a family its architecture and its distance from the nearest trained member."""
    names = targets.names()
    indices = {name: index for index, name in enumerate(names)}
    distances = nearest_distances(
        [targets.config(name) for name in names],
        [indices[model["name"]] for model in evaluated],
        [indices[name] for name in targets.roles.train],
    )
    return [
        model | {"summary": targets.config(model["name"]).summary, "distance": distance}
        for model, distance in zip(evaluated, distances.tolist(), strict=True)
    ]


def mean_metrics(models: list[dict[str, Any]]) -> dict[str, float]:
    """Return the unweighted mean of each metric over the models of a split.

    Keys are ``<split>/<metric>``, or ``<metric>`` where models have no split.
    """
    values: dict[str, list[float]] = {}
    for model in models:
        for name, value in model["metrics"].items():
            values.setdefault(f"{model['split']}/{name}" if model["split"] else name, []).append(value)
    return {name: fmean(numbers) for name, numbers in values.items()}
