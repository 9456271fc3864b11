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
Sizes = tuple[int, int, int, int]


def lay_out_results(table: ResultTable, frame: pd.DataFrame) -> Grid:
    """Arrange the long frame of a table for print."""
    lines = {(line["row"], line["column"]): line for line in frame.to_dict("records")}
    with_sizes = {column for column, sizes in generator_sizes(table, frame).items() if len(sizes) > 1}
    result_heads = OWN_HEADS if table.number is None else RESULT_HEADS
    row_heads = [*table.labels, *_size_heads(table, frame)]
    row_fields = {row: _row_fields(table, lines, frame, row) for row in table.rows}
    best = {row: _best(table, lines, row) for row in table.rows}

    def results(row: str, column: str, has_sizes: bool) -> list[Text]:
        line = lines[row, column]
        sizes = _size_fields(line) if has_sizes else []
        return sizes + _result_fields(table, table.cell(row, column), line, column in best[row])

    if len(table.columns) * len(result_heads) <= SIDE_BY_SIDE:
        column_heads = [(SIZE_HEADS if column in with_sizes else []) + result_heads for column in table.columns]
        widths = zip(table.columns.values(), map(len, column_heads), strict=True)
        groups = [("", len(row_heads)), *widths]
        heads = [*row_heads, *(head for heads_of_column in column_heads for head in heads_of_column)]
        blocks = [
            [[*row_fields[row], *(field for c in table.columns for field in results(row, c, c in with_sizes))]]
            for row in table.rows
        ]
    else:
        heads = [*row_heads, table.column_head, *(SIZE_HEADS if with_sizes else []), *result_heads]
        groups = [("", len(heads))]
        labels, empty = list(table.columns.items()), [Text("")] * len(row_heads)
        blocks = [
            [
                [*(empty if k else row_fields[row]), Text(label), *results(row, column, bool(with_sizes))]
                for k, (column, label) in enumerate(labels)
            ]
            for row in table.rows
        ]
    texts = [k < len(table.labels) or head in (table.column_head, "verdict") for k, head in enumerate(heads)]
    return Grid(groups, heads, texts, blocks)


def generator_sizes(table: ResultTable, frame: pd.DataFrame) -> dict[str, set[Sizes | None]]:
    """Return the different sizes of the generators of each column of runs; of no column where the rows show them.

    Sizes are (trainable, printed) as run and (trainable, printed) at the paper's scale. None stands for the target's
    own parameters, which ``#Params`` has.
    """
    if table.sizes == "family":
        return {}
    differences = {cell.column for cell in table.cells if cell.minus_variant}
    sizes: dict[str, set[Sizes | None]] = {column: set() for column in table.columns if column not in differences}
    for line in frame.to_dict("records"):
        if line["column"] in sizes:
            target = (line["target_run"],) * 2 + (line["target_paper_scale"],) * 2
            generator = _generator_size(line)
            sizes[line["column"]].add(None if generator == target else generator)
    return sizes


def _generator_size(line: Line) -> Sizes:
    return line["trainable_run"], line["params_run"], line["trainable_paper_scale"], line["params_paper_scale"]


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


def _size_fields(line: Line) -> list[Text]:
    run_trainable, run_printed, paper_trainable, paper_printed = _generator_size(line)
    return [Text(f"{run_trainable:,} / {run_printed:,}"), Text(f"{paper_trainable:,} / {paper_printed:,}")]


def _result_fields(table: ResultTable, cell: Cell, line: Line, bold: bool) -> list[Text]:
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
