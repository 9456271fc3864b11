"""The evaluation job: the only code that reads test data. Writes result.json."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors.torch import load as load_safetensors
from torch import nn

from uhn.errors import UserError
from uhn.experiments.config import RunConfig
from uhn.models.base import TargetModel
from uhn.records import SCHEMA_VERSION, read_record, write_json
from uhn.training.build import build_generator
from uhn.training.tasks import build_target, load_task


def load_generator(run_dir: Path, config: RunConfig, target: TargetModel, expected_sha256: str) -> nn.Module:
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
    generator = build_generator(config, target)
    generator.load_state_dict(load_safetensors(content))
    return generator


def evaluate_run(run_dir: Path, threads: int = 1) -> None:
    """Evaluate the final weights of a finished training job on test data, on the CPU, and write result.json.

    Raises:
        UserError: files of the training job are missing, damaged or of another schema version.
    """
    torch.set_num_threads(threads)
    run = read_record(run_dir / "run.json", "run")
    training = read_record(run_dir / "training.json", "training")
    config = RunConfig.from_dict(run["config"])
    metrics = dict(training["metrics"])
    if training["status"] == "completed":
        target = build_target(config)
        generator = load_generator(run_dir, config, target, training["generator_sha256"])
        task = load_task(config, "test", target, torch.device("cpu"))
        metrics |= {f"test/{name}": value for name, value in task.evaluate(generator).items()}
    write_json(
        run_dir / "result.json",
        {
            "schema_version": SCHEMA_VERSION,
            **{key: run[key] for key in ("setting", "variant", "seed", "scale")},
            **{key: training[key] for key in ("status", "reason")},
            "metrics": metrics,
            **{key: training[key] for key in ("parameters", "steps", "cost")},
            "data": {key: run["data"][key] for key in ("dataset", "source", "note")},
            **{key: run[key] for key in ("config_digest", "code_version", "source_digest")},
        },
    )
