"""Part of a table, where not all of its runs were made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from uhn.errors import UserError
from uhn.reporting.definitions import Table


def select(table: Table, rows: Sequence[str], columns: Sequence[str]) -> Table:
    """Keep some rows and columns of a table, which then says in its caption that it is a part.

    Sizes of targets are left out with the runs that know them: one run for all rows has the mean over its targets.

    Args:
        table: the definition.
        rows, columns: ids to keep, in the table's order; all if empty.

    Raises:
        UserError: there is no such row or column.
    """
    kept = {}
    for kind, ids, known in (("row", rows, table.rows), ("column", columns, table.columns)):
        if strays := [name for name in ids if name not in known]:
            raise UserError(f"{table.name}: has no {kind} '{strays[0]}'; expected one of {', '.join(known)}")
        kept[kind] = {name: label for name, label in known.items() if not ids or name in ids}
    if kept["row"] == table.rows and kept["column"] == table.columns:
        return table
    share = f"{len(kept['row'])} of {len(table.rows)} rows and {len(kept['column'])} of {len(table.columns)} columns"
    return replace(
        table,
        rows=kept["row"],
        columns=kept["column"],
        cells=tuple(cell for cell in table.cells if cell.row in kept["row"] and cell.column in kept["column"]),
        sizes="none" if table.sizes == "target" and kept["column"].keys() <= _of_one_run(table) else table.sizes,
        notes=(f"A part of the table, {share}: the other runs were not made", *table.notes),
    )


def _of_one_run(table: Table) -> set[str]:
    """Return the columns whose every row is a metric of the same run."""
    runs: dict[str, set[tuple[str, str]]] = {name: set() for name in table.columns}
    for cell in table.cells:
        runs[cell.column].update(cell.pairs)
    return {name for name, own in runs.items() if len(own) == 1 and len(table.rows) > 1}
