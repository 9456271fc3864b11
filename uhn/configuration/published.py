"""Experiment file + defaults -> a run as the paper has it, before a scale reduces it."""

from __future__ import annotations

from typing import Any

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.configuration.run import (
    HYPERNETWORKS,
    Hypernetwork,
    InitConfig,
    OptimizerConfig,
    RunConfig,
    TaskConfig,
    TrainConfig,
    with_tuples,
)
from uhn.errors import UserError, suggest


def published_run(
    experiment: dict[str, Any], defaults: dict[str, Any], variant: str, seed: int, mode: str = "final"
) -> RunConfig:
    """Resolve one run at the paper's scale, with the published hyperparameters.

    Args:
        experiment: content of an experiment file.
        defaults: content of ``config/defaults.yaml``.
        variant: key under the experiment's ``variants``.
        seed: any run seed, also one the experiment does not list.
        mode: ``final`` or ``tuning``.

    Raises:
        UserError: unknown variant, or values that do not fit together.
    """
    choices = _choices(experiment, variant)
    method, depth = choices["method"], experiment.get("depth")
    entries = task_entries(experiment)
    if choices["train"].get("gradient_surgery") and len(entries) == 1:
        raise UserError(
            f"setting '{experiment['setting']}', variant '{variant}': gradient_surgery combines the gradients of "
            "several tasks, this setting has one; remove it"
        )
    return RunConfig(
        setting=experiment["setting"],
        variant=variant,
        seed=seed,
        scale="paper",
        mode=mode,
        source="published",
        tasks=tuple(_task(experiment, defaults["batch_size"], entry) for entry in entries),
        method=method,
        hypernetwork=_hypernetwork(experiment, defaults, choices),
        generation=GenerationConfig(**defaults["generation"]) if method == "uhn" else None,
        depth=depth,
        init=_init(experiment["setting"], choices["init"], 1 + (depth or 0)) if method == "uhn" else None,
        train=_train(choices["train"], defaults["train"]),
        optimizer=OptimizerConfig(**with_tuples(defaults["optimizer"])),
        precision=defaults["precision"],
    )


def _choices(experiment: dict[str, Any], variant: str) -> dict[str, Any]:
    """Return what an experiment file says of a variant."""
    if variant not in experiment["variants"]:
        hint = suggest(variant, experiment["variants"])
        raise UserError(f"setting '{experiment['setting']}' has no variant '{variant}'; {hint}")
    return experiment["variants"][variant]


def task_entries(experiment: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tasks of an experiment, of a single one too."""
    if "tasks" in experiment:
        return experiment["tasks"]
    return [{key: experiment[key] for key in ("task", "dataset", "model", "metric")}]


def _task(experiment: dict[str, Any], batch_sizes: dict[str, int], entry: dict[str, Any]) -> TaskConfig:
    default = batch_sizes.get(entry["task"])
    if default is None and "batch_size" in experiment:
        raise UserError(
            f"setting '{experiment['setting']}': batch_size {experiment['batch_size']} for {entry['task']}, which "
            "takes all its data in every step; remove it"
        )
    return TaskConfig(
        name=entry.get("name", entry["dataset"]),
        kind=entry["task"],
        dataset=entry["dataset"],
        model=entry["model"],
        metric=entry["metric"],
        batch_size=experiment.get("batch_size", default),
        probability=entry.get("probability", 1.0),
    )


def _hypernetwork(experiment: dict[str, Any], defaults: dict[str, Any], choices: dict[str, Any]) -> Hypernetwork | None:
    method = choices["method"]
    if method == "direct":
        return None
    if method == "uhn":
        sizes = defaults["hypernetwork"] | experiment.get("hypernetwork", {}) | choices.get("hypernetwork", {})
        return UHNConfig(**sizes)
    return HYPERNETWORKS[method](**with_tuples(defaults[method]))


def _init(setting: str, init: dict[str, Any], levels: int) -> InitConfig:
    rates = init["lr"] if isinstance(init["lr"], list) else [init["lr"]]
    if len(rates) != levels:
        raise UserError(
            f"setting '{setting}': init has {len(rates)} learning rates, expected one for each of the {levels} levels"
        )
    return InitConfig(
        steps=init["steps"],
        lr=tuple(map(float, rates)),
        warmup_steps=init.get("warmup_steps", 0),
        clip_norm=init.get("clip_norm"),
    )


def _train(train: dict[str, Any], defaults: dict[str, int]) -> TrainConfig:
    unit = "epochs" if "epochs" in train else "steps"
    return TrainConfig(
        budget=train[unit],
        unit=unit,
        lr=float(train["lr"]),
        warmup=defaults[f"warmup_{unit}"],
        clip_norm=train.get("clip_norm"),
        gradient_surgery=train.get("gradient_surgery", False),
    )
