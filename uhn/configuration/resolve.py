"""Experiment file + scale + defaults -> the resolved configuration of a run."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from uhn.configuration.generators import ChunkedConfig, GenerationConfig, HAConfig, UHNConfig
from uhn.configuration.run import (
    InitConfig,
    OptimizerConfig,
    RunConfig,
    TargetReduction,
    TaskConfig,
    TrainConfig,
)
from uhn.configuration.yaml_files import pick_file, read_yaml
from uhn.errors import UserError
from uhn.paths import config_dir

# Tasks whose data are computed.
FILELESS = {"formula_regression"}
# Data sources whose bytes are the published ones.
PUBLISHED = {"download": "published", "local": "published"}
# Warm-up takes at most one part in this many of a shortened schedule.
SHORT_WARMUP = 4


@dataclass(frozen=True)
class Longest:
    """The longest schedules of a search; None where nothing is searched.

    Args:
        train: epochs or steps of training.
        init: initialisation steps.
    """

    train: int | None = None
    init: int | None = None


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
    seeds = all_seeds_of(experiment)
    return seeds[: load_scale(scale).get("num_seeds", len(seeds))]


def all_seeds_of(experiment: dict[str, Any]) -> list[int]:
    """Return the run seeds of an experiment, as many as the paper reports."""
    return experiment.get("seeds") or load_defaults()["seeds"][_task_entries(experiment)[0]["task"]]


def source_of(scale: str) -> str:
    """Return the data source that a scale asks for: ``standin`` or ``download``."""
    return load_scale(scale)["data"]


def resolve(
    experiment: dict[str, Any],
    variant: str,
    seed: int,
    scale: str,
    source: str | None = None,
    mode: str = "final",
    longest: Longest = Longest(),
) -> RunConfig:
    """Resolve one run.

    Args:
        experiment: content of an experiment file.
        variant: key under its ``variants``.
        seed: any run seed, also one the experiment does not list.
        scale: name of a scale.
        source: kind of the data source; the scale's own when absent.
        mode: ``final`` or ``tuning``.
        longest: of the search that the run's hyperparameters come from; the limits of a scale then hold for these
            and shorten the run in proportion.

    Raises:
        UserError: unknown variant or scale, or values that do not fit together.
    """
    if variant not in experiment["variants"]:
        known = list(experiment["variants"])
        near = get_close_matches(variant, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"expected one of {', '.join(known)}"
        raise UserError(f"setting '{experiment['setting']}' has no variant '{variant}'; {hint}")
    choices = experiment["variants"][variant]
    defaults = load_defaults()
    method, depth = choices["method"], experiment.get("depth")
    entries = _task_entries(experiment)
    if choices["train"].get("gradient_surgery") and len(entries) == 1:
        raise UserError(
            f"setting '{experiment['setting']}', variant '{variant}': gradient_surgery combines the gradients of "
            "several tasks, this setting has one; remove it"
        )
    reductions = [_reduction_of(scale, entry["task"], experiment["setting"]) for entry in entries]
    reduction = reductions[0]
    kinds = {entry["task"] for entry in entries}
    tasks = tuple(_resolve_task(experiment, entry, own) for entry, own in zip(entries, reductions, strict=True))
    return RunConfig(
        setting=experiment["setting"],
        variant=variant,
        seed=seed,
        scale=scale,
        mode=mode,
        source="formula" if kinds <= FILELESS else PUBLISHED.get(source or source_of(scale), "standin"),
        tasks=tasks,
        method=method,
        hypernetwork=_resolve_hypernetwork(experiment, choices, reduction),
        generation=GenerationConfig(**defaults["generation"]) if method == "uhn" else None,
        depth=depth,
        init=_resolve_init(experiment, choices, reduction, longest.init),
        train=_resolve_train(choices["train"], defaults["train"], method, reduction, longest.train),
        optimizer=OptimizerConfig(**defaults["optimizer"] | {"betas": tuple(defaults["optimizer"]["betas"])}),
        precision=defaults["precision"],
    )


def _task_entries(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tasks of an experiment, of a single one too."""
    if "tasks" in experiment:
        return experiment["tasks"]
    return [{key: experiment[key] for key in ("task", "dataset", "model", "metric")}]


def _reduction_of(scale: str, kind: str, setting: str) -> dict[str, Any]:
    content = load_scale(scale)
    return content["tasks"].get(kind, {}) | content.get("settings", {}).get(setting, {})


def _resolve_task(experiment: dict[str, Any], entry: dict[str, Any], reduction: dict[str, Any]) -> TaskConfig:
    default = load_defaults()["batch_size"].get(entry["task"])
    if default is None and "batch_size" in experiment:
        raise UserError(
            f"setting '{experiment['setting']}': batch_size {experiment['batch_size']} for {entry['task']}, which "
            "takes all its data in every step; remove it"
        )
    wanted = experiment.get("batch_size", default)
    return TaskConfig(
        name=entry.get("name", entry["dataset"]),
        kind=entry["task"],
        dataset=entry["dataset"],
        model=entry["model"],
        metric=entry["metric"],
        batch_size=None if default is None else min(wanted, reduction.get("batch_size", wanted)),
        probability=1 / len(experiment["tasks"]) if reduction.get("equal_shares") else entry.get("probability", 1.0),
        reduction=TargetReduction(**reduction.get("targets", {})),
    )


def _resolve_hypernetwork(
    experiment: dict[str, Any], choices: dict[str, Any], reduction: dict[str, Any]
) -> UHNConfig | HAConfig | ChunkedConfig | None:
    match choices["method"]:
        case "direct":
            return None
        case "ha":
            return HAConfig(**reduction.get("ha", {}))
        case "chunked":
            return ChunkedConfig(**reduction.get("chunked", {}))
    sizes = load_defaults()["hypernetwork"] | experiment.get("hypernetwork", {}) | choices.get("hypernetwork", {})
    divisors = reduction.get("hypernetwork_divisor", {})
    return UHNConfig(**sizes | {name: max(sizes[name] // divisor, 1) for name, divisor in divisors.items()})


def _resolve_init(
    experiment: dict[str, Any], choices: dict[str, Any], reduction: dict[str, Any], longest: int | None
) -> InitConfig | None:
    if choices["method"] != "uhn":
        return None
    init, depth = choices["init"], experiment.get("depth")
    factor = reduction.get("lr_factor", {}).get("uhn", 1.0)
    rates = init["lr"] if isinstance(init["lr"], list) else [init["lr"]]
    levels = 1 if depth is None else depth + 1
    if len(rates) != levels:
        raise UserError(
            f"setting '{experiment['setting']}': init has {len(rates)} learning rates, expected one for each of the "
            f"{levels} levels"
        )
    steps = _reduced(init["steps"], reduction, "init", longest) // levels
    return InitConfig(
        steps=steps * levels,
        lr=tuple(rate * factor for rate in rates),
        warmup_steps=_reduced_warmup(init.get("warmup_steps", 0), steps, init["steps"] // levels),
        clip_norm=init.get("clip_norm"),
    )


def _resolve_train(
    train: dict[str, Any], defaults: dict[str, Any], method: str, reduction: dict[str, Any], longest: int | None
) -> TrainConfig:
    published_unit = unit = "epochs" if "epochs" in train else "steps"
    published = train[unit]
    if unit == "epochs" and "train_steps" in reduction:
        # Too few epochs for a schedule that advances once in each of them.
        unit, budget = "steps", max(round(reduction["train_steps"] * published / (longest or published)), 1)
    else:
        budget = _reduced(published, reduction, "train", longest)
    whole = (unit, budget) == (published_unit, published)
    return TrainConfig(
        budget=budget,
        unit=unit,
        lr=train["lr"] * reduction.get("lr_factor", {}).get(method, 1.0),
        warmup=_reduced_warmup(defaults[f"warmup_{unit}"], budget, published if whole else None),
        clip_norm=train.get("clip_norm"),
        gradient_surgery=train.get("gradient_surgery", False),
    )


def _reduced(count: int, reduction: dict[str, Any], phase: str, longest: int | None) -> int:
    """Shorten a number of steps or epochs; what is not zero stays at least one."""
    if not count:
        return 0
    fraction = reduction.get(f"{phase}_fraction", 1.0)
    limit = reduction.get(f"{phase}_limit")
    shorter = count * fraction
    if limit and longest:
        shorter *= min(limit / (longest * fraction), 1.0)
    elif limit:
        shorter = min(shorter, limit)
    return max(round(shorter), 1)


def _reduced_warmup(warmup: int, length: int, published: int | None) -> int:
    """Return the warm-up of a schedule: as published, unless the schedule is shorter (None: in other units)."""
    return warmup if length == published else min(warmup, length // SHORT_WARMUP)
