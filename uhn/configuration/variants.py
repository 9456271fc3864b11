"""Variants of an experiment that repeat another one: ``like: uhn`` and what differs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from uhn.errors import UserError
from uhn.schema import schema_problem


def complete_variants(experiment: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return an experiment whose variants stand alone.

    A variant that is ``like`` another one has its method and, key by key, its ``hypernetwork``, ``init`` and
    ``train``, but for what it says itself.

    Args:
        experiment: content of an experiment file.
        path: the file, for messages.

    Raises:
        UserError: ``like`` names no variant above it, or what differs does not fit to that variant.
    """
    variants: dict[str, Any] = {}
    for name, variant in experiment["variants"].items():
        differences = dict(variant)
        model = differences.pop("like", None)
        if model is not None and model not in variants:
            above = ", ".join(variants) or "none"
            raise UserError(f"{path}: variants.{name}.like: expected a variant above it ({above}), got '{model}'")
        variants[name] = _merge(variants.get(model, {}), differences)
    completed = experiment | {"variants": variants}
    if problem := schema_problem(completed, "experiment"):
        raise UserError(f"{path}: {problem}")
    return completed


def _merge(variant: dict[str, Any], differences: dict[str, Any]) -> dict[str, Any]:
    return variant | {
        key: variant.get(key, {}) | value if isinstance(value, dict) else value for key, value in differences.items()
    }
