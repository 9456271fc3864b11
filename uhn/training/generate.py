"""Weights of a target model from the files of a finished training job."""

from __future__ import annotations

import io
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from uhn.configuration.run import RunConfig
from uhn.errors import UserError
from uhn.files import write_bytes
from uhn.runs.folder import read_run, read_training
from uhn.training.build import load_generator
from uhn.training.targets import TargetSet


@torch.no_grad()
def generate_weights(run_dir: Path, model: str | None) -> dict[str, Tensor]:
    """Generate the weights of a target model of a run's setting.

    Args:
        run_dir: folder of the training job.
        model: name of the model, e.g. a member of the run's family; None where there is only one.

    Returns:
        Tensors by name of the parameter.

    Raises:
        UserError: files are missing or damaged, the run diverged, or the model is not of this setting.
    """
    run, training = read_run(run_dir), read_training(run_dir)
    if training["status"] != "completed":
        raise UserError(f"{run_dir}: the run {training['status']} ({training['reason']}); expected a completed one")
    config = RunConfig.from_dict(run["config"])
    all_sizes = run["data"].get("sizes", [{} for _ in config.tasks])
    targets = [TargetSet(task, config.mode, sizes) for task, sizes in zip(config.tasks, all_sizes, strict=True)]
    names = {name: target_set for target_set in targets for name in target_set.names()}
    if model is None and len(names) > 1:
        raise UserError(f"{run_dir}: has {len(names)} target models; name one with --model, e.g. {next(iter(names))}")
    chosen = model or next(iter(names))
    if chosen not in names:
        near = get_close_matches(chosen, names, n=1) or list(names)[:1]
        raise UserError(f"{run_dir}: '{chosen}' is no target model of this run; did you mean '{near[0]}'?")
    generator = load_generator(run_dir, config, targets, training["generator_sha256"])
    return {name: w.contiguous() for name, w in generator(names[chosen].build(chosen)).items()}


def write_weights(weights: dict[str, Tensor], component: str | None, out: Path) -> None:
    """Write all tensors as safetensors, or one of them as a NumPy array.

    Raises:
        UserError: there is no such component, or the file's ending does not fit.
    """
    ending = ".safetensors" if component is None else ".npy"
    if out.suffix != ending:
        raise UserError(f"{out}: expected a file name that ends in {ending}")
    if component is None:
        write_bytes(out, save(weights))
        return
    if component not in weights:
        near = get_close_matches(component, weights, n=1) or list(weights)[:1]
        raise UserError(f"--component {component}: the model has none of that name; did you mean '{near[0]}'?")
    buffer = io.BytesIO()
    np.save(buffer, weights[component].float().numpy())
    write_bytes(out, buffer.getvalue())
