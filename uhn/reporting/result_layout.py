"""What stands where in a printed table of run results.

Methods stand side by side as far as a page is wide; else they are stacked, one line per method.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from uhn.metrics import higher_is_better
from uhn.reporting.document import NOTHING, UNKNOWN, Grid, Text
from uhn.reporting.rounding import decimals, mean_and_std, printed, signed, signed_with_interval
from uhn.reporting.table_definitions import Cell, ResultTable

SIDE_BY_SIDE = 12  # columns of results
SIZE_HEADS = ["trainable / printed", "at paper's scale"]
RESULT_HEADS = ["ours", "paper", "diff.", "verdict", "n", "fail."]
OWN_HEADS = ["ours", "n", "fail."]  # of a table that is not in the paper

# what a row says about the sizes of its models: head -> column of the frame, by the definition's "sizes"
ROW_SIZES = {
    "target": {"#Params": "target"},
    "family": {
        "#Models": "members",
        "avg. #Params": "mean_target",
        "max. #Params": "max_target",
        "UHN #Params": "params",
    },
    "none": {},
}

Line = dict[str, Any]


def lay_out_results(table: ResultTable, frame: pd.DataFrame) -> Grid:
    """Arrange the long frame of a table for print."""
    lines = {(line["row"], line["column"]): line for line in frame.to_dict("records")}
    sized = _columns_with_sizes(table, frame)
    best = {row: _best(table, lines, row) for row in table.rows}
    head = [*table.labels, *_size_heads(table, frame)]
    if len(table.columns) * len(_result_heads(table)) > SIDE_BY_SIDE:
        return _stacked(table, frame, lines, sized, best, head)
    groups = [("", len(head))]
    heads = list(head)
    for column, label in table.columns.items():
        own = (SIZE_HEADS if column in sized else []) + _result_heads(table)
        groups.append((label, len(own)))
        heads += own
    blocks = []
    for row in table.rows:
        fields = _row_fields(table, lines, frame, row)
        for column in table.columns:
            line = lines[row, column]
            fields += _sizes(line) if column in sized else []
            fields += _result(table, table.cell(row, column), line, column in best[row])
        blocks.append([fields])
    return _grid(table, groups, heads, blocks)


def shared_generator_counts(table: ResultTable, frame: pd.DataFrame) -> dict[str, tuple[int, int, int, int]]:
    """Return the size of each generator column that has one size in all rows.

    Columns whose trained parameters are the target's own are left out: ``#Params`` has them.

    Returns:
        column -> (trainable, printed) as run and (trainable, printed) at the paper's scale; nothing where the
        rows show the generator's size anyway.
    """
    shared: dict[str, tuple[int, int, int, int]] = {}
    if table.sizes == "family":
        return shared
    for column in _run_columns(table):
        counts = _generator_counts(frame, column)
        if len(counts) == 1 and counts != {None}:
            shared[column] = next(iter(counts))
    return shared


def _columns_with_sizes(table: ResultTable, frame: pd.DataFrame) -> set[str]:
    """Return the columns whose generator has different sizes in different rows that do not show it anyway."""
    if table.sizes == "family":
        return set()
    return {column for column in _run_columns(table) if len(_generator_counts(frame, column)) > 1}


def _run_columns(table: ResultTable) -> list[str]:
    """Return the columns that show runs, not what lies between the runs of two others."""
    differences = {cell.column for cell in table.cells if cell.minus_variant}
    return [column for column in table.columns if column not in differences]


def _result_heads(table: ResultTable) -> list[str]:
    return OWN_HEADS if table.number is None else RESULT_HEADS


def _generator_counts(frame: pd.DataFrame, column: str) -> set[tuple[int, int, int, int] | None]:
    """Return the different sizes of a column; None stands for "the target's own parameters"."""
    counts: set[tuple[int, int, int, int] | None] = set()
    for line in frame[frame["column"] == column].to_dict("records"):
        own = all(
            line[f"{count}_{where}"] == line[f"target_{where}"]
            for count in ("params", "trainable")
            for where in ("run", "paper_scale")
        )
        counts.add(None if own else _size(line))
    return counts


def _size(line: Line) -> tuple[int, int, int, int]:
    return (
        line["trainable_run"],
        line["params_run"],
        line["trainable_paper_scale"],
        line["params_paper_scale"],
    )


def _stacked(
    table: ResultTable,
    frame: pd.DataFrame,
    lines: dict[tuple[str, str], Line],
    sized: set[str],
    best: dict[str, set[str]],
    head: list[str],
) -> Grid:
    heads = [*head, table.column_head, *(SIZE_HEADS if sized else []), *_result_heads(table)]
    blocks = []
    for row in table.rows:
        block = []
        for position, (column, label) in enumerate(table.columns.items()):
            line = lines[row, column]
            fields = _row_fields(table, lines, frame, row) if position == 0 else [Text("")] * len(head)
            sizes = _sizes(line) if sized else []
            result = _result(table, table.cell(row, column), line, column in best[row])
            block.append([*fields, Text(label), *sizes, *result])
        blocks.append(block)
    return _grid(table, [("", len(heads))], heads, blocks)


def _grid(table: ResultTable, groups: list[tuple[str, int]], heads: list[str], blocks: list[list[list[Text]]]) -> Grid:
    texts = [place < len(table.labels) or head in (table.column_head, "verdict") for place, head in enumerate(heads)]
    return Grid(groups, heads, texts, blocks)


def _size_heads(table: ResultTable, frame: pd.DataFrame) -> list[str]:
    heads = ROW_SIZES[table.sizes].items()
    return [head if _as_in_paper(frame, column) else f"{head} run / paper" for head, column in heads]


def _as_in_paper(frame: pd.DataFrame, column: str) -> bool:
    return bool((frame[f"{column}_run"] == frame[f"{column}_paper_scale"]).all())


def _row_fields(table: ResultTable, lines: dict[tuple[str, str], Line], frame: pd.DataFrame, row: str) -> list[Text]:
    line = lines[row, next(iter(table.columns))]
    sizes = []
    for column in ROW_SIZES[table.sizes].values():
        # averages are cut to integers, as the paper does
        text = f"{int(line[f'{column}_run']):,}"
        if not _as_in_paper(frame, column):
            text += f" / {int(line[f'{column}_paper_scale']):,}"
        sizes.append(Text(text))
    return [*map(Text, table.rows[row]), *sizes]


def _sizes(line: Line) -> list[Text]:
    run_trainable, run_printed, paper_trainable, paper_printed = _size(line)
    return [Text(f"{run_trainable:,} / {run_printed:,}"), Text(f"{paper_trainable:,} / {paper_printed:,}")]


def _result(table: ResultTable, cell: Cell, line: Line, bold: bool) -> list[Text]:
    n, failures = line["n"], line["failures"]
    unknown = pd.isna(line["paper_mean"])
    without = UNKNOWN if cell.in_paper else NOTHING
    ours = _ours(cell, line) if n else f"diverged ({failures})"
    if table.number is None:
        return [Text(ours, bold), Text(str(n)), Text(str(failures))]
    if unknown or not n:
        difference = NOTHING
    else:
        difference = signed(line["difference"], decimals(line["ours_mean"], line["ours_std"]))
    return [
        Text(ours, bold),
        Text(without if unknown else printed(line["paper_mean"], line["paper_std"])),
        Text(difference),
        Text(line["verdict"]),
        Text(str(n)),
        Text(str(failures)),
    ]


def _ours(cell: Cell, line: Line) -> str:
    if cell.minus_variant:
        return signed_with_interval(*(line[name] for name in ("ours_mean", "ours_std", "ci_low", "ci_high")))
    return mean_and_std(line["ours_mean"], line["ours_std"])


def is_compared(table: ResultTable, row: str) -> bool:
    """Tell whether the columns of a row are different runs measured alike."""
    cells = _runs_of(table, row)
    names = {cell.metric.rsplit("/", 1)[-1] for cell in cells}
    return len({(cell.setting, cell.variant) for cell in cells}) > 1 and len(names) == 1


def _runs_of(table: ResultTable, row: str) -> list[Cell]:
    return [cell for cell in table.cells if cell.row == row and not cell.is_difference]


def _best(table: ResultTable, lines: dict[tuple[str, str], Line], row: str) -> set[str]:
    """Return the columns with the best mean of a row, ties together; none where nothing is compared."""
    if not is_compared(table, row):
        return set()
    cells = _runs_of(table, row)
    means = {c.column: lines[row, c.column]["ours_mean"] for c in cells if lines[row, c.column]["n"]}
    if not means:
        return set()
    pick = max if higher_is_better(cells[0].metric) else min
    return {column for column, mean in means.items() if mean == pick(means.values())}
