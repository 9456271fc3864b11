"""Target models by name."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial

from uhn.descriptors.vocabulary import DatasetType
from uhn.errors import UserError
from uhn.models.base import TargetModel
from uhn.models.kan import KAN, KANConfig

# The formulas whose KAN has a finer grid, and the one with four outputs (paper, Table 11).
FINE_GRID = {DatasetType.JV, DatasetType.YV}
FORMULAS = [dataset for dataset in DatasetType if DatasetType.ELLIPJ <= dataset <= DatasetType.SPH_HARM22]


def _kan(name: str, dataset: DatasetType) -> TargetModel:
    out_features = 4 if dataset is DatasetType.ELLIPJ else 1
    grid_size = 10 if dataset in FINE_GRID else 5
    return KAN(name, KANConfig(dataset, sizes=(2, 5, out_features), grid_size=grid_size))


def _factories() -> dict[str, Callable[[], TargetModel]]:
    kans = {f"kan_{dataset.name.lower()}": dataset for dataset in FORMULAS}
    return {name: partial(_kan, name, dataset) for name, dataset in kans.items()}


MODEL_FACTORIES = _factories()


def model_names() -> list[str]:
    """Return the names that :func:`build_model` knows."""
    return list(MODEL_FACTORIES)


def build_model(name: str) -> TargetModel:
    """Build a target model by name.

    Raises:
        UserError: unknown name.
    """
    if name not in MODEL_FACTORIES:
        near = get_close_matches(name, MODEL_FACTORIES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(MODEL_FACTORIES)}"
        raise UserError(f"unknown model '{name}'; {hint}")
    return MODEL_FACTORIES[name]()
