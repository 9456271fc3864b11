"""The table definitions of ``config/tables/``: which runs fill which cell.

The DAG imports this module to know what a table needs, so it imports nothing heavy.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uhn.errors import UserError
from uhn.paths import config_dir
from uhn.yaml_files import read_yaml

PARTS = ("setting", "variant", "metric")
OPTIONAL_PARTS = ("minus", "in_paper")


@dataclass(frozen=True)
class Cell:
    """One number of a table: ``metric`` over the runs of (setting, variant).

    Attributes:
        minus: a second metric of the same run, to subtract seed by seed.
        in_paper: whether the paper has this cell (its value may still be unknown).
    """

    row: str
    column: str
    setting: str
    variant: str
    metric: str
    minus: str | None = None
    in_paper: bool = True


@dataclass(frozen=True)
class Table:
    """A table of the paper; ``rows`` and ``columns`` map ids to labels in the paper's order.

    Attributes:
        column_head: what the columns are, e.g. methods.
        sizes: which sizes a row shows: of its ``target``, of its model ``family``, or ``none``.
        notes: sentences that the caption adds.
    """

    number: int
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
        return list(dict.fromkeys((cell.setting, cell.variant) for cell in self.cells))

    def cell(self, row: str, column: str) -> Cell:
        """Return a cell by its ids."""
        return self.cells[list(self.rows).index(row) * len(self.columns) + list(self.columns).index(column)]


def table_numbers(config: Path | None = None) -> list[int]:
    """List the tables that have a definition."""
    names = (re.fullmatch(r"table_(\d+)", path.stem) for path in _folder(config).glob("table_*.yaml"))
    return sorted(int(match[1]) for match in names if match)


def ready_tables(config: Path | None = None) -> list[int]:
    """List the tables whose settings all have an experiment file."""
    settings = {path.stem for path in ((config or config_dir()) / "experiments").glob("*.yaml")}
    return [number for number in table_numbers(config) if {s for s, _ in needed_runs(number, config)} <= settings]


def needed_runs(number: int, config: Path | None = None) -> list[tuple[str, str]]:
    """List the (setting, variant) pairs that table ``number`` needs.

    Raises:
        UserError: there is no such table, or its file is malformed.
    """
    return load_table(number, config).runs


def load_table(number: int, config: Path | None = None) -> Table:
    """Read ``config/tables/table_<nn>.yaml``.

    Args:
        number: the table's number in the paper.
        config: the configuration folder; :func:`uhn.paths.config_dir` if None.

    Raises:
        UserError: there is no such table, or its file is malformed.
    """
    path = _folder(config) / f"table_{number:02d}.yaml"
    if not path.is_file():
        known = ", ".join(map(str, table_numbers(config))) or "none"
        raise UserError(f"table {number}: no definition {path}; tables with one: {known}")
    data = read_yaml(path, "table")
    if problem := _inconsistency(data, number):
        raise UserError(f"{path}: {problem}")
    return Table(
        number=number,
        title=data["title"],
        labels=tuple(data["labels"]),
        columns={column["id"]: column["label"] for column in data["columns"]},
        rows={row["id"]: tuple(row["labels"]) for row in data["rows"]},
        cells=tuple(
            Cell(row["id"], column["id"], **_merged(row, column)) for row in data["rows"] for column in data["columns"]
        ),
        **{key: data[key] for key in ("column_head", "sizes") if key in data},
        notes=tuple(data.get("notes", ())),
    )


def _folder(config: Path | None) -> Path:
    return (config or config_dir()) / "tables"


def _merged(row: dict[str, Any], column: dict[str, Any]) -> dict[str, Any]:
    merged = {**row, **column, **row.get("cells", {}).get(column["id"], {})}
    return {part: merged[part] for part in PARTS + OPTIONAL_PARTS if part in merged}


def _inconsistency(data: dict[str, Any], number: int) -> str | None:
    """Return the first problem that a schema cannot express, or None."""
    if data["number"] != number:
        return f"number is {data['number']}, expected {number} as in the file's name"
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
        if strays := sorted(set(row.get("cells", {})) - columns):
            return f"row {row['id']}: cells names {strays[0]!r}, which is no column id"
        for column in data["columns"]:
            if missing := [part for part in PARTS if part not in _merged(row, column)]:
                return (
                    f"row {row['id']}, column {column['id']}: no {missing[0]}; "
                    f"give {missing[0]} in the row or in the column"
                )
    return None
