"""Part of a table, where not all of its runs or sweeps were made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from uhn.errors import UserError
from uhn.reporting.table_definitions import ResultTable, SweepTable


def part_of_table(
    table: ResultTable | SweepTable, rows: Sequence[str], columns: Sequence[str]
) -> ResultTable | SweepTable:
    """Return the given rows and columns of a table; its caption says that it is a part.

    Sizes of targets are left out with the runs that know them: one run for all rows has the mean over its targets.

    Args:
        table: the definition.
        rows, columns: ids, in any order; all if empty. The rows of a table of sweeps are its sweeps.

    Raises:
        UserError: there is no such row or column.
    """
    if isinstance(table, SweepTable):
        return _some_sweeps(table, rows, columns)
    shown_rows = _chosen(table.name, "row", rows, table.rows)
    shown_columns = _chosen(table.name, "column", columns, table.columns)
    if (len(shown_rows), len(shown_columns)) == (len(table.rows), len(table.columns)):
        return table
    share = (
        f"{len(shown_rows)} of {len(table.rows)} rows and {len(shown_columns)} of {len(table.columns)} columns: "
        "the other runs were not made"
    )
    return replace(
        table,
        rows={row: table.rows[row] for row in shown_rows},
        columns={column: table.columns[column] for column in shown_columns},
        cells=tuple(cell for cell in table.cells if cell.row in shown_rows and cell.column in shown_columns),
        sizes="none" if table.sizes == "target" and set(shown_columns) <= _columns_of_one_run(table) else table.sizes,
        notes=(f"A part of the table, {share}", *table.notes),
    )


def _some_sweeps(table: SweepTable, rows: Sequence[str], columns: Sequence[str]) -> SweepTable:
    if columns:
        raise UserError(f"{table.name}: a table of sweeps has no columns to choose; leave out {', '.join(columns)}")
    sweeps = _chosen(table.name, "sweep", rows, table.sweeps)
    if len(sweeps) == len(table.sweeps):
        return table
    note = f"A part of the table, {len(sweeps)} of {len(table.sweeps)} sweeps"
    return replace(table, sweeps=tuple(sweeps), notes=(note, *table.notes))


def _chosen(table: str, kind: str, ids: Sequence[str], known: Iterable[str]) -> list[str]:
    """Return the chosen ids in the table's order; all if none is chosen."""
    known = list(known)
    if unknown := [name for name in ids if name not in known]:
        raise UserError(f"{table}: has no {kind} '{unknown[0]}'; expected one of {', '.join(known)}")
    return [name for name in known if not ids or name in ids]


def _columns_of_one_run(table: ResultTable) -> set[str]:
    """Return the columns whose every row is a metric of the same run."""
    runs: dict[str, set[tuple[str, str]]] = {column: set() for column in table.columns}
    for cell in table.cells:
        runs[cell.column].update(cell.pairs)
    return {column for column, pairs in runs.items() if len(pairs) == 1 and len(table.rows) > 1}
