"""A finished training job read back: its generator, its target models, their weights."""

from __future__ import annotations

import io
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from uhn.errors import UserError
from uhn.files import sha256_of, write_bytes
from uhn.hypernetworks.generator import Generator
from uhn.models.base import TargetModel
from uhn.runs.folder import GENERATOR
from uhn.runs.identity import read_trained, require_code_version
from uhn.training.build import load_generator
from uhn.training.targets import TargetSet


class TrainedRun:
    """A completed training job: its generator, and its target models by name.

    Args:
        run_dir: folder of the training job.

    Raises:
        UserError: files are missing, damaged or of another run, of another code version, or the run diverged.
    """

    def __init__(self, run_dir: Path) -> None:
        self._config, run, training = read_trained(run_dir)
        require_code_version(run_dir, run)
        if training["status"] != "completed":
            raise UserError(f"{run_dir}: the run {training['status']} ({training['reason']}); expected a completed one")
        self.run_dir, self.digest = run_dir, run["config_digest"]
        sizes = run["data"].get("sizes", [{} for _ in self._config.tasks])
        mode = self._config.mode
        self._sets = [TargetSet(task, mode, s) for task, s in zip(self._config.tasks, sizes, strict=True)]
        self._by_name = {name: target_set for target_set in self._sets for name in target_set.all_names()}

    def names(self) -> tuple[str, ...]:
        """Return the names of all target models, of a family also of those that were not in use."""
        return tuple(self._by_name)

    def target(self, name: str) -> TargetModel:
        """Build a target model.

        Raises:
            UserError: it is not of this setting.
        """
        if name not in self._by_name:
            near = get_close_matches(name, self._by_name, n=1) or list(self._by_name)[:1]
            raise UserError(f"{self.run_dir}: '{name}' is no target model of this run; did you mean '{near[0]}'?")
        return self._by_name[name].build(name)

    def module(self, name: str) -> TargetModel:
        """Build a target model with weights of its own, which generated ones can replace: as small as the run has it.

        Raises:
            UserError: it is not of this setting.
        """
        self.target(name)
        return self._by_name[name].build_module(name)

    def generator(self) -> Generator:
        """Load the trained generator."""
        return load_generator(self.run_dir, self._config, self._sets)


@torch.no_grad()
def generate_weights(run_dir: Path, model: str | None) -> dict[str, Tensor]:
    """Generate the weights of a target model of a run's setting.

    Args:
        run_dir: folder of the training job.
        model: name of the model, e.g. any member of the run's family; None where there is only one.

    Returns:
        Tensors by name of the parameter.

    Raises:
        UserError: as of :class:`TrainedRun`, or the model is not of this setting.
    """
    run = TrainedRun(run_dir)
    names = run.names()
    if model is None and len(names) > 1:
        raise UserError(f"{run_dir}: has {len(names)} target models; name one with --model, e.g. {names[0]}")
    target = run.target(model or names[0])
    return {name: w.contiguous() for name, w in run.generator()(target).items()}


def write_weights(weights: dict[str, Tensor], run_dir: Path, component: str | None, out: Path) -> None:
    """Write all tensors, or one of them, as safetensors; one of them also as a NumPy array.

    Args:
        weights: of a target model.
        run_dir: the run that they are from; a safetensors file names it and its generator.
        component: name of the one tensor; None: all.
        out: the file.

    Raises:
        UserError: there is no such component, or the file's ending does not fit.
    """
    endings = [".safetensors"] if component is None else [".safetensors", ".npy"]
    if out.suffix not in endings:
        raise UserError(f"{out}: expected a file name that ends in {' or '.join(endings)}")
    if component is not None and component not in weights:
        near = get_close_matches(component, weights, n=1) or list(weights)[:1]
        raise UserError(f"--component {component}: the model has none of that name; did you mean '{near[0]}'?")
    if out.suffix == ".npy":
        buffer = io.BytesIO()
        np.save(buffer, weights[component].float().numpy())
        write_bytes(out, buffer.getvalue())
        return
    chosen = weights if component is None else {component: weights[component].float()}
    metadata = {"run": TrainedRun(run_dir).digest, "generator_sha256": sha256_of(run_dir / GENERATOR)}
    write_bytes(out, save(chosen, metadata=metadata))
