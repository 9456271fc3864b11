"""``config/sweeps.yaml`` -> the sweeps of a scale."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import product
from pathlib import Path
from typing import Any

from uhn.errors import UserError
from uhn.paths import config_dir
from uhn.sweeps.grids import Metric, SweepConfig
from uhn.yaml_files import read_yaml

GRIDS = ("train_lr", "train_budget", "init_lr", "init_steps")


def load_sweeps(scale: str, path: Path | None = None) -> dict[str, SweepConfig]:
    """Read all sweeps, in the order of the file.

    Args:
        scale: name of a scale; where ``reductions`` has it, searches are smaller.
        path: the file; ``config/sweeps.yaml`` if None.

    Returns:
        name -> sweep.

    Raises:
        UserError: the file is malformed, or two groups tune the same variant.
    """
    path = path or config_dir() / "sweeps.yaml"
    data = read_yaml(path, "sweeps")
    reduction = data["reductions"].get(scale)
    sweeps: dict[str, SweepConfig] = {}
    for group in data["groups"]:
        for variant, setting in product(group["variants"], group["settings"]):
            name = setting if variant == "uhn" else f"{setting}_{variant}"
            if name in sweeps:
                raise UserError(f"{path}: two groups tune variant '{variant}' of {setting}; keep one")
            try:
                sweeps[name] = _build(name, setting, variant, group, data["seeds"], reduction)
            except UserError as error:
                raise UserError(f"{path}: sweep {name}: {error}") from None
    return sweeps


def load_sweep(name: str, scale: str, path: Path | None = None) -> SweepConfig:
    """Read one sweep.

    Raises:
        UserError: the file is malformed, or has no such sweep.
    """
    sweeps = load_sweeps(scale, path)
    if name not in sweeps:
        near = get_close_matches(name, sweeps, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"expected one of {', '.join(sweeps)}"
        raise UserError(f"unknown sweep '{name}'; {hint}")
    return sweeps[name]


def _build(
    name: str,
    setting: str,
    variant: str,
    group: Mapping[str, Any],
    seeds: list[int],
    reduction: Mapping[str, Any] | None,
) -> SweepConfig:
    counts = dict(group["num_seeds"])
    keep: Mapping[str, list[int]] = {}
    guardrails = True
    if reduction:
        counts = {kind: min(count, reduction["num_seeds"][kind]) for kind, count in counts.items()}
        keep, guardrails = reduction["keep"], reduction["guardrails"]
    search, extra = counts["search"], counts["extra"]
    wanted = max(search + extra, counts["final"])
    if wanted > len(seeds):
        raise UserError(f"needs {wanted} seeds, the list has {len(seeds)}; add seeds or lower num_seeds")
    return SweepConfig(
        name=name,
        setting=setting,
        variant=variant,
        grid_table=group["tables"]["grid"],
        selected_table=group["tables"]["selected"],
        published=group["grids"] == "published",
        search=group["search"],
        budget_unit=group["budget_unit"],
        pioneer_budget=group.get("pioneer_budget"),
        **{grid: _kept(grid, group.get(grid, []), keep.get(grid)) for grid in GRIDS},
        metrics=tuple(
            Metric(metric["name"], metric.get("guardrail") if guardrails else None) for metric in group["metrics"]
        ),
        search_seeds=tuple(seeds[:search]),
        extra_seeds=tuple(seeds[search : search + extra]),
        seed_list=tuple(seeds),
        num_final=counts["final"],
    )


def _kept(grid: str, values: list[Any], positions: list[int] | None) -> tuple[Any, ...]:
    """Return the values at the positions kept; a grid of one value, or of none, stays as it is."""
    if positions is None or len(values) <= 1:
        return tuple(values)
    if max(positions) >= len(values):
        raise UserError(f"reduction keeps position {max(positions)} of {grid}, which has {len(values)} values")
    return tuple(values[position] for position in positions)
