"""The printed numbers of the paper (``config/paper.csv``)."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from uhn.errors import UserError
from uhn.paths import config_dir

COLUMNS = ["table", "row", "column", "quantity", "mean", "std", "n_seeds", "source", "confidence"]
# what a sweep chooses, in the order of the paper's tables
HYPERPARAMETERS = ("init_lr", "init_steps", "train_lr", "train_budget")
QUANTITIES = ("metric", "params", *HYPERPARAMETERS, *(f"{name}_grid" for name in HYPERPARAMETERS))

Key = tuple[int, str, str, str]


@dataclass(frozen=True)
class Reference:
    """A printed number, or a printed grid of numbers.

    Attributes:
        mean, std: None where no public copy has them; of a grid always.
        grid: the values of a grid; empty where no public copy has them.
    """

    mean: float | None
    std: float | None
    n_seeds: int | None
    source: str
    confidence: str
    grid: tuple[float, ...] = ()


NOT_IN_PAPER = Reference(mean=None, std=None, n_seeds=None, source="", confidence="")


def load_reference(config: Path | None = None) -> dict[Key, Reference]:
    """Read ``config/paper.csv``.

    Returns:
        (table, row, column, quantity) -> what the paper prints there.

    Raises:
        UserError: the file is missing or a line is malformed.
    """
    path = (config or config_dir()) / "paper.csv"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); restore it from the repository") from None
    if not lines or lines[0] != COLUMNS:
        raise UserError(f"{path}: the first line must be {','.join(COLUMNS)}")
    references: dict[Key, Reference] = {}
    for number, fields in enumerate(lines[1:], start=2):
        try:
            key, reference = _parse(fields)
        except ValueError as error:
            raise UserError(f"{path}: line {number}: {error}") from None
        if key in references:
            raise UserError(f"{path}: line {number}: a second line for {','.join(map(str, key))}; keep one")
        references[key] = reference
    return references


def find(references: Mapping[Key, Reference], table: int, row: str, column: str) -> Reference:
    """Return the reference of a metric cell; its ``mean`` is None where the paper's value is unknown.

    Raises:
        UserError: the file has no line for the cell, a likely slip in an id.
    """
    try:
        return references[table, row, column, "metric"]
    except KeyError:
        raise UserError(
            f"paper.csv: no line {table},{row},{column},metric; add one (with an empty mean if unknown)"
        ) from None


def _parse(fields: list[str]) -> tuple[Key, Reference]:
    if len(fields) != len(COLUMNS):
        raise ValueError(f"has {len(fields)} fields, expected {len(COLUMNS)}")
    table, row, column, quantity, mean, std, n_seeds, source, confidence = fields
    if quantity not in QUANTITIES:
        raise ValueError(f"quantity is {quantity!r}, expected one of {', '.join(QUANTITIES)}")
    if std and not mean:
        raise ValueError("has a std but no mean")
    is_grid = quantity.endswith("_grid")
    reference = Reference(
        mean=None if is_grid else _number(mean),
        std=_number(std),
        n_seeds=int(n_seeds) if n_seeds else None,
        source=source,
        confidence=confidence,
        grid=tuple(map(_number, mean.split())) if is_grid else (),
    )
    return (int(table), row, column, quantity), reference


def _number(text: str) -> float | None:
    value = float(text) if text else None
    if value is not None and not math.isfinite(value):
        raise ValueError(f"{text!r} is not a finite number")
    return value
