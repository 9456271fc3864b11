"""Configuration files by name, and the resolved configuration of a run: experiment file + defaults + scale."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from uhn.configuration.published import published_run, task_entries
from uhn.configuration.reduce import reduce_run
from uhn.configuration.run import RunConfig
from uhn.configuration.variants import complete_variants
from uhn.configuration.yaml_files import pick_file, read_yaml, stamp
from uhn.errors import UserError
from uhn.paths import config_dir


def _read_once(path: Path, schema: str) -> dict[str, Any]:
    """Read a file once per process as long as it stays the same: a DAG resolves thousands of runs."""
    return _read_stamped(stamp(path), schema)


@cache
def _read_stamped(stamped: tuple[Path, int, int], schema: str) -> dict[str, Any]:
    return read_yaml(stamped[0], schema)


def load_defaults() -> dict[str, Any]:
    """Read ``config/defaults.yaml``: what every run shares."""
    return _read_once(config_dir() / "defaults.yaml", "defaults")


def load_pipeline() -> dict[str, Any]:
    """Read ``config/config.yaml``: what the pipeline builds unless its command line says otherwise."""
    return _read_once(config_dir() / "config.yaml", "config")


def load_scale(scale: str) -> dict[str, Any]:
    """Read ``config/scales/<scale>.yaml``."""
    return _read_once(pick_file(config_dir() / "scales", scale, "scale"), "scale")


def load_experiment(setting: str) -> dict[str, Any]:
    """Read ``config/experiments/<setting>.yaml``."""
    return load_experiment_file(pick_file(config_dir() / "experiments", setting, "setting"))


def load_experiment_file(path: Path) -> dict[str, Any]:
    """Read an experiment file from anywhere; variants that are ``like`` another one come completed."""
    return _load_experiment_file(path, stamp(path))


@cache
def _load_experiment_file(path: Path, stamped: tuple[Path, int, int]) -> dict[str, Any]:
    experiment = read_yaml(stamped[0], "experiment")
    if experiment["setting"] != path.stem:
        raise UserError(f"{path}: setting: expected the file's name '{path.stem}', got '{experiment['setting']}'")
    return complete_variants(experiment, path)


def seeds_of(experiment: dict[str, Any], scale: str) -> list[int]:
    """Return the run seeds of an experiment at a scale."""
    seeds = all_seeds_of(experiment)
    return seeds[: load_scale(scale).get("num_seeds", len(seeds))]


def all_seeds_of(experiment: dict[str, Any]) -> list[int]:
    """Return the run seeds of an experiment, as many as the paper reports."""
    defaults, (first, *_) = load_defaults(), task_entries(experiment)
    return experiment.get("seeds") or defaults["seeds"][: defaults["num_seeds"][first["task"]]]


def source_of(scale: str) -> str:
    """Return the data source that a scale asks for: ``standin`` or ``download``."""
    return load_scale(scale)["data"]


def resolve(
    experiment: dict[str, Any], variant: str, seed: int, scale: str, source: str | None = None, mode: str = "final"
) -> RunConfig:
    """Resolve one run with the published hyperparameters.

    Args:
        experiment: content of an experiment file.
        variant: key under its ``variants``.
        seed: any run seed, also one the experiment does not list.
        scale: name of a scale.
        source: kind of the data source; the scale's own when absent.
        mode: ``final`` or ``tuning``.

    Raises:
        UserError: unknown variant or scale, or values that do not fit together.
    """
    return at_scale(published_run(experiment, load_defaults(), variant, seed, mode), scale, source)


def at_scale(
    published: RunConfig, scale: str, source: str | None = None, longest: RunConfig | None = None
) -> RunConfig:
    """Reduce a run of the paper's scale to another scale.

    Args:
        published: the run at the paper's scale.
        scale: name of a scale.
        source: kind of the data source; the scale's own when absent.
        longest: see :func:`uhn.configuration.reduce.reduce_run`.
    """
    reduced = reduce_run(published, load_scale(scale), load_defaults()["train"]["warmup_steps"], longest)
    computed = all(task.computed for task in published.tasks)
    files = "standin" if (source or source_of(scale)) == "standin" else "published"
    return replace(reduced, scale=scale, source="formula" if computed else files)
