"""``config/sweeps.yaml`` -> the sweeps of a scale, and which runs take over what they select."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from uhn.configuration.resolve import load_defaults
from uhn.configuration.yaml_files import read_yaml, stamp
from uhn.errors import UserError, suggest
from uhn.paths import config_dir
from uhn.sweeps.grids import Metric, SweepConfig

# What tells that a file is still the same
Stamp = tuple[Path, int, int]
GRIDS = ("train_lr", "train_budget", "init_lr", "init_steps")


@dataclass(frozen=True)
class Follower:
    """How a run that is not searched itself takes over the choice of a sweep.

    Args:
        init: whether it takes over the initialisation; if not, it has none.
        train_budget_divisor: of the train budget.
        train_lr_divisor: of the train lr.
        init_steps_factor: of the initialisation steps, which a recursive chain shares among its levels.
        init_lr_divisors: of the init lr, one for each level; empty: the same at all levels.
    """

    init: bool = True
    train_budget_divisor: float = 1
    train_lr_divisor: float = 1
    init_steps_factor: float = 1
    init_lr_divisors: tuple[float, ...] = ()


@dataclass(frozen=True)
class Tuning:
    """Where the hyperparameters of a (setting, variant) come from; the one searched follows without any change."""

    sweep: SweepConfig
    follower: Follower = Follower()


def load_sweeps(scale: str, path: Path | None = None) -> dict[str, SweepConfig]:
    """Read all sweeps, in the order of the file.

    Args:
        scale: name of a scale; where ``smaller_searches`` has it, searches are smaller.
        path: the file; ``config/sweeps.yaml`` if None.

    Returns:
        name -> sweep.

    Raises:
        UserError: the file is malformed, or two groups tune the same variant.
    """
    return dict(_load_sweeps(scale, *_files(path)))


def load_tunings(scale: str, path: Path | None = None) -> dict[tuple[str, str], Tuning]:
    """Read which sweep decides on each run: (setting, variant) -> its tuning.

    Raises:
        UserError: the file is malformed, or a follower names an unknown sweep or a variant decided elsewhere.
    """
    return dict(_load_tunings(scale, *_files(path)))


def load_tuning(setting: str, variant: str, scale: str, path: Path | None = None) -> Tuning:
    """Read which sweep decides on a run.

    Raises:
        UserError: the file is malformed, or no sweep does.
    """
    tunings = load_tunings(scale, path)
    if (setting, variant) not in tunings:
        raise UserError(
            f"no sweep decides on {setting}/{variant}; add it to followers in config/sweeps.yaml, or train it with the "
            "published hyperparameters"
        )
    return tunings[setting, variant]


def sweeps_file(path: Path | None = None) -> Path:
    """Return the given file, ``config/sweeps.yaml`` if None."""
    return (path or config_dir() / "sweeps.yaml").absolute()


def read_sweeps(path: Path) -> dict[str, Any]:
    """Read the file as it is, once per process as long as it stays the same: a DAG asks thousands of times."""
    return _read_stamped(stamp(path))


def _files(path: Path | None) -> tuple[Stamp, Stamp]:
    """Return the stamps of the file of sweeps and of the defaults, whose list of seeds sweeps take."""
    return stamp(sweeps_file(path)), stamp(config_dir() / "defaults.yaml")


@cache
def _read_stamped(stamped: Stamp) -> dict[str, Any]:
    return read_yaml(stamped[0], "sweeps")


@cache
def _load_sweeps(scale: str, stamped: Stamp, defaults: Stamp) -> dict[str, SweepConfig]:
    path, data = stamped[0], _read_stamped(stamped)
    smaller = data["smaller_searches"].get(scale)
    sweeps: dict[str, SweepConfig] = {}
    for group in data["groups"]:
        for variant, setting in product(group["variants"], group["settings"]):
            name = setting if variant == "uhn" else f"{setting}_{variant}"
            if name in sweeps:
                raise UserError(f"{path}: two groups tune variant '{variant}' of {setting}; keep one")
            try:
                sweeps[name] = _build(name, setting, variant, group, load_defaults()["seeds"], smaller)
            except UserError as error:
                raise UserError(f"{path}: sweep {name}: {error}") from None
    return sweeps


@cache
def _load_tunings(scale: str, stamped: Stamp, defaults: Stamp) -> dict[tuple[str, str], Tuning]:
    path, sweeps = stamped[0], _load_sweeps(scale, stamped, defaults)
    tunings = {(sweep.setting, sweep.variant): Tuning(sweep) for sweep in sweeps.values()}
    for entry in read_sweeps(path)["followers"]:
        if entry["sweep"] not in sweeps:
            raise UserError(f"{path}: followers of unknown sweep '{entry['sweep']}'; correct its name")
        rescale = entry.get("rescale", {})
        rescale = rescale | {"init_lr_divisors": tuple(rescale.get("init_lr_divisors", ()))}
        for pair in product(entry["settings"], entry["variants"]):
            if pair in tunings:
                raise UserError(f"{path}: two sweeps decide on variant '{pair[1]}' of {pair[0]}; keep one")
            tunings[pair] = Tuning(sweeps[entry["sweep"]], Follower(init=entry.get("init", True), **rescale))
    return tunings


def load_sweep(name: str, scale: str, path: Path | None = None) -> SweepConfig:
    """Read one sweep.

    Raises:
        UserError: the file is malformed, or has no such sweep.
    """
    sweeps = load_sweeps(scale, path)
    if name not in sweeps:
        raise UserError(f"unknown sweep '{name}'; {suggest(name, sweeps)}")
    return sweeps[name]


def _build(
    name: str,
    setting: str,
    variant: str,
    group: Mapping[str, Any],
    seeds: list[int],
    smaller: Mapping[str, Any] | None,
) -> SweepConfig:
    counts = dict(group["num_seeds"])
    keep: Mapping[str, list[int]] = {}
    guardrails = True
    if smaller:
        counts = {kind: min(count, smaller["num_seeds"][kind]) for kind, count in counts.items()}
        keep, guardrails = smaller["keep"], smaller["guardrails"]
    search, extra = counts["search"], counts["extra"]
    if search + extra > len(seeds):
        raise UserError(f"needs {search + extra} seeds, the list has {len(seeds)}; add seeds or lower num_seeds")
    return SweepConfig(
        name=name,
        setting=setting,
        variant=variant,
        search=group["search"],
        budget_unit=group["budget_unit"],
        pioneer_budget=group.get("pioneer_budget"),
        **{grid: _keep(grid, group.get(grid, []), keep.get(grid)) for grid in GRIDS},
        metrics=tuple(
            Metric(metric["name"], metric.get("guardrail") if guardrails else None) for metric in group["metrics"]
        ),
        search_seeds=tuple(seeds[:search]),
        extra_seeds=tuple(seeds[search : search + extra]),
        num_final=counts["final"],
    )


def _keep(grid: str, values: list[Any], positions: list[int] | None) -> tuple[Any, ...]:
    """Return the values at the positions kept; a grid of one value, or of none, stays as it is."""
    if positions is None or len(values) <= 1:
        return tuple(values)
    if max(positions) >= len(values):
        raise UserError(f"smaller_searches keeps position {max(positions)} of {grid}, which has {len(values)} values")
    return tuple(values[position] for position in positions)
