"""The evaluation job: the only code that reads test data. Writes result.json.

A tuning run is evaluated on its validation examples instead, and opens no test data.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from safetensors.torch import load as load_safetensors
from torch import nn

from uhn.configuration.run import RunConfig
from uhn.data.sources import STANDIN, DataSource
from uhn.errors import UserError
from uhn.files import write_json
from uhn.metrics import not_finite
from uhn.models.distance import nearest_distances
from uhn.runs.folder import SCHEMA_VERSION, read_record
from uhn.training.build import build_generator
from uhn.training.runner import load_members
from uhn.training.targets import TargetSet
from uhn.training.workload import Member

CPU = torch.device("cpu")


def load_generator(run_dir: Path, config: RunConfig, targets: list[TargetSet], expected_sha256: str) -> nn.Module:
    """Load the trained generator of a run.

    Raises:
        UserError: generator.safetensors is missing or is not the file that training wrote.
    """
    path = run_dir / "generator.safetensors"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); run `uhn train` for {config.key}") from None
    if hashlib.sha256(content).hexdigest() != expected_sha256:
        raise UserError(f"{path}: differs from the file that training wrote (truncated or altered); train again")
    generator = build_generator(config, targets)
    generator.load_state_dict(load_safetensors(content))
    return generator


def evaluate_run(run_dir: Path, source: DataSource = STANDIN, threads: int = 1, device: torch.device = CPU) -> None:
    """Evaluate the final weights of a finished training job and write result.json.

    Deviation: in float32, where the release keeps the autocast of training.

    A run whose final weights give a metric that is not finite has diverged, like one whose training loss was not.

    Raises:
        UserError: files of the training job or data are missing, damaged or of another version.
    """
    torch.set_num_threads(threads)
    run = read_record(run_dir / "run.json", "run")
    training = read_record(run_dir / "training.json", "training")
    config = RunConfig.from_dict(run["config"])
    metrics, models = dict(training["metrics"]), []
    outcome = {key: training[key] for key in ("status", "reason")}
    if training["status"] == "completed":
        split = "validation" if config.mode == "tuning" else "test"
        members = load_members(config, split, source, device)
        targets = [member.targets for member in members]
        generator = load_generator(run_dir, config, targets, training["generator_sha256"]).to(device)
        for member in members:
            prefix = f"{split}/{member.name}" if len(members) > 1 else split
            found = evaluate_models(generator, member)
            models += describe_models(found, member.targets) if member.targets.is_family else []
            metrics |= {f"{prefix}/{name}": value for name, value in mean_metrics(found).items()}
    if reason := not_finite(metrics):
        outcome, metrics, models = {"status": "diverged", "reason": reason}, {}, []
    write_json(
        run_dir / "result.json",
        {
            "schema_version": SCHEMA_VERSION,
            **{key: run[key] for key in ("setting", "variant", "seed", "scale")},
            **outcome,
            "metrics": metrics,
            **({"models": models} if models else {}),
            **{key: training[key] for key in ("parameters", "family", "steps", "cost") if key in training},
            "hyperparameters": config.hyperparameters(training["cost"]["device"]),
            "evaluated_on": device.type,
            "data": {key: run["data"][key] for key in ("dataset", "source", "note")},
            **{key: run[key] for key in ("config_digest", "code_version", "source_digest")},
        },
    )


@torch.no_grad()
def evaluate_models(generator: nn.Module, member: Member) -> list[dict[str, Any]]:
    """Evaluate every reported target model of a task; its weights are generated once."""
    found = []
    for split, names in member.targets.roles.reported.items():
        for name in names:
            target = member.targets.build(name)
            metrics = member.task.evaluate(target, generator(target))
            found.append({"name": name, "split": split, "parameters": target.num_params, "metrics": metrics})
    return found


def describe_models(found: list[dict[str, Any]], targets: TargetSet) -> list[dict[str, Any]]:
    """Add to the results of a family's members what they are and how far from the nearest trained one."""
    names = targets.names()
    places = {name: place for place, name in enumerate(names)}
    distances = nearest_distances(
        [targets.config(name) for name in names],
        [places[model["name"]] for model in found],
        [places[name] for name in targets.roles.train],
    )
    return [
        model | {"summary": targets.config(model["name"]).summary, "distance": distance}
        for model, distance in zip(found, distances.tolist(), strict=True)
    ]


def mean_metrics(models: list[dict[str, Any]]) -> dict[str, float]:
    """Average each metric over the models of a split, unweighted; ``<split>/<metric>``, or ``<metric>`` without one."""
    values: dict[str, list[float]] = {}
    for model in models:
        for name, value in model["metrics"].items():
            values.setdefault(f"{model['split']}/{name}" if model["split"] else name, []).append(value)
    return {name: fmean(numbers) for name, numbers in values.items()}
