"""The table definitions of ``config/tables/``: which runs fill which cell, or which sweeps a table is about.

The DAG imports this module to know what a table needs, so it imports nothing heavy.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uhn.configuration.yaml_files import read_yaml
from uhn.errors import UserError
from uhn.paths import config_dir

PARTS = ("setting", "variant", "metric")
OPTIONAL_PARTS = ("minus", "minus_variant", "in_paper")


@dataclass(frozen=True)
class Cell:
    """One number of a table: ``metric`` over the runs of (setting, variant).

    Attributes:
        minus: a second metric, to subtract seed by seed.
        minus_variant: a second variant of the setting, to subtract seed by seed.
        in_paper: whether the paper has this cell (its value may still be unknown).
    """

    row: str
    column: str
    setting: str
    variant: str
    metric: str
    minus: str | None = None
    minus_variant: str | None = None
    in_paper: bool = True

    @property
    def is_difference(self) -> bool:
        """Tell whether something is subtracted."""
        return self.minus is not None or self.minus_variant is not None

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The (setting, variant) pairs of the runs: of the metric, then of what is subtracted if it has its own."""
        return [(self.setting, variant) for variant in (self.variant, self.minus_variant) if variant]


@dataclass(frozen=True, kw_only=True)
class ResultTable:
    """A table of run results; ``rows`` and ``columns`` map ids to labels in the paper's order.

    Attributes:
        name: of its files.
        number: in the paper; None of a table of our own, which has no printed values.
        column_head: what the columns are, e.g. methods.
        sizes: which sizes a row shows: of its ``target``, of its model ``family``, or ``none``.
        notes: remarks for the end of the caption.
    """

    name: str
    number: int | None
    title: str
    labels: tuple[str, ...]
    columns: dict[str, str]
    rows: dict[str, tuple[str, ...]]
    cells: tuple[Cell, ...]
    column_head: str = "Method"
    sizes: str = "target"
    notes: tuple[str, ...] = ()

    @property
    def runs(self) -> list[tuple[str, str]]:
        """The (setting, variant) pairs of the cells, each once, in table order."""
        return list(dict.fromkeys(pair for cell in self.cells for pair in cell.pairs))

    def cell(self, row: str, column: str) -> Cell:
        """Return a cell by its ids."""
        return self.cells[list(self.rows).index(row) * len(self.columns) + list(self.columns).index(column)]


@dataclass(frozen=True, kw_only=True)
class SweepTable:
    """A table of sweeps.

    Attributes:
        kind: what it shows: ``sweep_grids``, ``sweep_choices``, ``sweep_grids_and_choices`` or ``guardrails``.
        sweeps: names in ``config/sweeps.yaml``, in the paper's order.
    """

    name: str
    number: int | None
    title: str
    kind: str
    sweeps: tuple[str, ...]
    notes: tuple[str, ...] = ()


def table_names(config: Path | None = None) -> list[str]:
    """List the tables that have a definition: the paper's in order, then our own."""
    names = sorted(path.stem for path in _folder(config).glob("*.yaml"))
    return sorted(names, key=lambda name: _number_of(name) or math.inf)


def result_tables(config: Path | None = None) -> dict[str, ResultTable]:
    """Read all tables of run results: name -> definition."""
    return {name: table for name, table in _tables(config).items() if isinstance(table, ResultTable)}


def sweep_tables(config: Path | None = None) -> dict[str, SweepTable]:
    """Read all tables of sweeps: name -> definition."""
    return {name: table for name, table in _tables(config).items() if isinstance(table, SweepTable)}


def ready_tables(config: Path | None = None) -> dict[str, ResultTable]:
    """Read the tables of run results whose settings all have an experiment file: name -> definition."""
    settings = {path.stem for path in ((config or config_dir()) / "experiments").glob("*.yaml")}
    tables = result_tables(config).items()
    return {name: table for name, table in tables if {setting for setting, _ in table.runs} <= settings}


def needed_runs(table: int | str, config: Path | None = None) -> list[tuple[str, str]]:
    """List the (setting, variant) pairs that a table of run results needs; see :func:`load_table`.

    Raises:
        UserError: as :func:`load_table`; or it is a table of sweeps.
    """
    definition = load_table(table, config)
    if isinstance(definition, SweepTable):
        raise UserError(f"table {table}: shows sweeps, no runs; `uhn sweep list` lists them")
    return definition.runs


def load_table(table: int | str, config: Path | None = None) -> ResultTable | SweepTable:
    """Read ``config/tables/<name>.yaml``.

    Args:
        table: its number in the paper, also as text, or its name.
        config: the configuration folder; :func:`uhn.paths.config_dir` if None.

    Raises:
        UserError: there is no such table, or its file is malformed.
    """
    name = f"table_{int(table):02d}" if str(table).isdecimal() else str(table)
    path = _folder(config) / f"{name}.yaml"
    names = table_names(config)
    if name not in names:
        known = ", ".join(str(_number_of(known_name) or known_name) for known_name in names) or "none"
        raise UserError(f"table {table}: no definition {path}; tables with one: {known}")
    number = _number_of(name)
    data = read_yaml(path, "table")
    if data.get("number") != number:
        raise UserError(
            f"{path}: number is {data.get('number', 'missing')}, expected {number or 'none'} as in the file's name"
        )
    shared = {"name": name, "number": number, "title": data["title"], "notes": tuple(data.get("notes", ()))}
    if "kind" in data:
        return SweepTable(kind=data["kind"], sweeps=tuple(data["sweeps"]), **shared)
    if problem := _inconsistency(data):
        raise UserError(f"{path}: {problem}")
    return ResultTable(
        labels=tuple(data["labels"]),
        columns={column["id"]: column["label"] for column in data["columns"]},
        rows={row["id"]: tuple(row["labels"]) for row in data["rows"]},
        cells=tuple(
            Cell(row["id"], column["id"], **_merged(row, column) | ({} if number else {"in_paper": False}))
            for row in data["rows"]
            for column in data["columns"]
        ),
        **{key: data[key] for key in ("column_head", "sizes") if key in data},
        **shared,
    )


def _tables(config: Path | None) -> dict[str, ResultTable | SweepTable]:
    return {name: load_table(name, config) for name in table_names(config)}


def _folder(config: Path | None) -> Path:
    return (config or config_dir()) / "tables"


def _number_of(name: str) -> int | None:
    match = re.fullmatch(r"table_(\d+)", name)
    return int(match[1]) if match else None


def _merged(row: dict[str, Any], column: dict[str, Any]) -> dict[str, Any]:
    merged = {**row, **column, **row.get("cells", {}).get(column["id"], {})}
    return {part: merged[part] for part in PARTS + OPTIONAL_PARTS if part in merged}


def _inconsistency(data: dict[str, Any]) -> str | None:
    """Return the first problem of a table of run results that a schema cannot express, or None."""
    for kind in ("rows", "columns"):
        name, times = Counter(entry["id"] for entry in data[kind]).most_common(1)[0]
        if times > 1:
            return f"{kind}: id {name!r} occurs {times} times; ids are unique"
    columns = {column["id"] for column in data["columns"]}
    for row in data["rows"]:
        if len(row["labels"]) != len(data["labels"]):
            return (
                f"row {row['id']}: has {len(row['labels'])} labels, "
                f"expected {len(data['labels'])} ({', '.join(data['labels'])})"
            )
        if unknown := sorted(set(row.get("cells", {})) - columns):
            return f"row {row['id']}: cells names {unknown[0]!r}, which is no column id"
        for column in data["columns"]:
            if missing := [part for part in PARTS if part not in _merged(row, column)]:
                return (
                    f"row {row['id']}, column {column['id']}: no {missing[0]}; "
                    f"give {missing[0]} in the row or in the column"
                )
    return None
