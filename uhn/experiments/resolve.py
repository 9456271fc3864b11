"""Experiment file + scale + defaults -> the resolved configuration of a run."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from uhn.errors import UserError
from uhn.experiments.config import InitConfig, OptimizerConfig, RunConfig, TrainConfig
from uhn.hypernetworks.config import GenerationConfig, UHNConfig
from uhn.paths import config_dir
from uhn.yaml_files import pick_file, read_yaml


@cache
def _read_once(path: Path, schema: str) -> dict[str, Any]:
    """Read a file once per process: a DAG resolves thousands of runs."""
    return read_yaml(path, schema)


def load_defaults() -> dict[str, Any]:
    """Read ``config/defaults.yaml``: what every run shares."""
    return _read_once((config_dir() / "defaults.yaml").absolute(), "defaults")


def load_scale(scale: str) -> dict[str, Any]:
    """Read ``config/scales/<scale>.yaml``."""
    return _read_once(pick_file(config_dir() / "scales", scale, "scale").absolute(), "scale")


def load_experiment(setting: str) -> dict[str, Any]:
    """Read ``config/experiments/<setting>.yaml``."""
    return load_experiment_file(pick_file(config_dir() / "experiments", setting, "setting"))


def load_experiment_file(path: Path) -> dict[str, Any]:
    """Read an experiment file from anywhere."""
    experiment = _read_once(path.absolute(), "experiment")
    if experiment["setting"] != path.stem:
        raise UserError(f"{path}: setting: expected the file's name '{path.stem}', got '{experiment['setting']}'")
    return experiment


def seeds_of(experiment: dict[str, Any], scale: str) -> list[int]:
    """Return the run seeds of an experiment at a scale."""
    seeds = experiment.get("seeds", load_defaults()["seeds"])
    return seeds[: load_scale(scale).get("num_seeds", len(seeds))]


def resolve(experiment: dict[str, Any], variant: str, seed: int, scale: str) -> RunConfig:
    """Resolve one run.

    Args:
        experiment: content of an experiment file.
        variant: key under its ``variants``.
        seed: any run seed, also one the experiment does not list.
        scale: name of a scale.

    Raises:
        UserError: unknown variant or scale.
    """
    if variant not in experiment["variants"]:
        known = list(experiment["variants"])
        near = get_close_matches(variant, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"expected one of {', '.join(known)}"
        raise UserError(f"setting '{experiment['setting']}' has no variant '{variant}'; {hint}")
    defaults = load_defaults()
    choices = experiment["variants"][variant]
    method = choices["method"]
    reduction = load_scale(scale)["tasks"].get(experiment["task"], {})
    lr_factor = reduction.get(f"{method}_lr_factor", 1.0)
    epochs = reduced(choices["train"]["epochs"], reduction.get("epochs_fraction", 1.0))
    train = TrainConfig(
        epochs=epochs,
        lr=choices["train"]["lr"] * lr_factor,
        warmup_epochs=min(defaults["train"]["warmup_epochs"], epochs - 1),
    )
    hypernetwork = generation = init = None
    if method == "uhn":
        sizes = defaults["hypernetwork"] | choices.get("hypernetwork", {}) | reduction.get("hypernetwork", {})
        hypernetwork = UHNConfig(**sizes)
        generation = GenerationConfig(**defaults["generation"])
        init = InitConfig(
            steps=reduced(choices["init"]["steps"], reduction.get("init_fraction", 1.0)),
            lr=choices["init"]["lr"] * lr_factor,
        )
    return RunConfig(
        setting=experiment["setting"],
        variant=variant,
        seed=seed,
        scale=scale,
        task=experiment["task"],
        dataset=experiment["dataset"],
        model=experiment["model"],
        metric=experiment["metric"],
        method=method,
        hypernetwork=hypernetwork,
        generation=generation,
        init=init,
        train=train,
        optimizer=OptimizerConfig(**defaults["optimizer"] | {"betas": tuple(defaults["optimizer"]["betas"])}),
    )


def reduced(count: int, fraction: float) -> int:
    """Shorten a number of steps or epochs; what is not zero stays at least one."""
    return max(round(count * fraction), 1) if count else 0
