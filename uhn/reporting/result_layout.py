"""What stands where in a printed table of run results.

Methods stand side by side where the columns fit; else they are stacked, one line per method. The paper's value stands
beside ours; difference, verdict and bold face are for scales that are comparable with the paper.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from uhn.metrics import higher_is_better
from uhn.reporting.document import NOTHING, UNKNOWN, Grid, Text
from uhn.reporting.rounding import decimals, mean_and_std, printed, ratio_with_interval, signed_with_interval
from uhn.reporting.table_definitions import Cell, ResultTable
from uhn.reporting.verdict import UNDECIDED

MAX_COLUMNS = 10
BESIDE = ["ours", "paper"]

# what a row says about the sizes of its models, as run: head -> columns of the frame, by the definition's "sizes"
ROW_SIZES = {
    "target": {"target #Params": ["target_run"]},
    "family": {
        "#Models": ["members_run"],
        "#Params, mean (max.)": ["mean_target_run", "max_target_run"],
        "UHN #Params": ["params_run"],
    },
    "none": {},
}

MIXED = "†"  # of a cell with runs of another configuration than expected

Line = dict[str, Any]
Counts = tuple[int, int]


def lay_out_results(table: ResultTable, frame: pd.DataFrame) -> Grid:
    """Arrange the long frame of a table for print; without any comparison, there is no column for it."""
    comparable = (frame["verdict"] != "").any()
    lines = {(line["row"], line["column"]): line for line in frame.to_dict("records")}
    best = {row: _best(table, lines, row) for row in table.rows}
    usual, mixed = usual_counts(frame), has_mixed_data(frame)

    def results(row: str, column: str) -> list[Text]:
        cell, line = table.cell(row, column), lines[row, column]
        ours = Text(_ours(cell, line), column in best[row], marks=_marks(line, usual, mixed))
        if table.number is None:
            return [ours]
        fields = [ours, _paper(cell, line)]
        return [*fields, Text(_difference(line)), Text(_verdict(line))] if comparable else fields

    heads = ["ours"] if table.number is None else [*BESIDE, *_comparison_heads(frame)] if comparable else BESIDE
    row_heads = [*table.labels, *ROW_SIZES[table.sizes]]
    row_fields = {row: _row_fields(table, lines[row, next(iter(table.columns))], row) for row in table.rows}
    several = len(table.columns) > 1
    if several and len(row_heads) + len(table.columns) * len(heads) <= MAX_COLUMNS and not _sizes_vary(table, frame):
        blocks = [
            [[*row_fields[row], *(field for column in table.columns for field in results(row, column))]]
            for row in table.rows
        ]
        if len(heads) == 1:
            groups, heads = [("", len(row_heads) + len(table.columns))], list(table.columns.values())
        else:
            groups = [("", len(row_heads)), *((label, len(heads)) for label in table.columns.values())]
            heads = heads * len(table.columns)
        return _grid(table, groups, [*row_heads, *heads], blocks)
    by_line = table.sizes == "target"
    if by_line:
        row_heads, row_fields = list(table.labels), {row: list(map(Text, table.rows[row])) for row in table.rows}
    blocks = [
        [
            [
                *([Text("")] * len(row_heads) if k else row_fields[row]),
                *([Text(label)] if several else []),
                *([_params(lines[row, column])] if by_line else []),
                *results(row, column),
            ]
            for k, (column, label) in enumerate(table.columns.items())
        ]
        for row in table.rows
    ]
    line_heads = [*row_heads, *([table.column_head] if several else []), *(["#Params"] if by_line else [])]
    groups = [("", len(line_heads)), ("" if several else next(iter(table.columns.values())), len(heads))]
    return _grid(table, groups, [*line_heads, *heads], blocks)


def usual_counts(frame: pd.DataFrame) -> Counts | None:
    """Return the commonest (n, failures) of the cells; None unless all cells share it or it is without failures."""
    counts = list(zip(frame["n"], frame["failures"], strict=True))
    if len(set(counts)) == 1:
        return counts[0]
    whole = [pair for pair in counts if not pair[1]]
    return max(whole, key=whole.count) if whole else None


def has_mixed_data(frame: pd.DataFrame) -> bool:
    """Tell whether some cells come from stand-in data and others from real data."""
    sources = {source for cell in frame["data_sources"] for source in cell.split()}
    return "standin" in sources and bool(sources & {"download", "local"})


def _comparison_heads(frame: pd.DataFrame) -> list[str]:
    kinds = [kind for kind in ("difference", "ratio") if kind in set(frame["comparison"])]
    return [f"{' or '.join(kinds) or 'difference'} [95 % interval]", "verdict"]


def _grid(table: ResultTable, groups: list[tuple[str, int]], heads: list[str], blocks: list[list[list[Text]]]) -> Grid:
    texts = [k < len(table.labels) or head in (table.column_head, "verdict") for k, head in enumerate(heads)]
    return Grid(groups, heads, texts, blocks)


def _sizes_vary(table: ResultTable, frame: pd.DataFrame) -> bool:
    """Tell whether a generator has other sizes in other rows, which each line then says."""
    if table.sizes != "target":
        return False
    generators = frame[frame["params_run"] != frame["target_run"]]
    return bool((generators.groupby("column")["params_run"].nunique() > 1).any())


def _row_fields(table: ResultTable, line: Line, row: str) -> list[Text]:
    # averages are cut to integers, as the paper does
    sizes = [[f"{int(line[column]):,}" for column in columns] for columns in ROW_SIZES[table.sizes].values()]
    return [*map(Text, table.rows[row]), *(Text(f"{size[0]} ({size[1]})" if size[1:] else size[0]) for size in sizes)]


def _params(line: Line) -> Text:
    return Text(f"{int(line['params_run']):,}")


def _ours(cell: Cell, line: Line) -> str:
    if not line["n"]:
        return f"{line['failures']} of {line['failures']} diverged"
    mean, std = line["ours_mean"], line["ours_std"]
    if cell.minus_variant:
        return signed_with_interval(mean, line["ci_low"], line["ci_high"], decimals(mean, std))
    return mean_and_std(mean, std)


def _marks(line: Line, usual: Counts | None, mixed_data: bool) -> tuple[Text, ...]:
    """Return what stands behind our value where the caption does not say it of all cells."""
    n, failures = line["n"], line["failures"]
    marks = [MIXED] if line.get("mixed_keys") else []
    if n and (n, failures) != usual:
        marks.append(f"({failures} of {n + failures} diverged)" if failures else f"(n = {n})")
    if mixed_data and "standin" in line["data_sources"].split():
        marks.append("(stand-in)")
    return tuple(map(Text, marks))


def _paper(cell: Cell, line: Line) -> Text:
    if pd.isna(line["paper_mean"]):
        text = UNKNOWN if cell.in_paper else NOTHING
    else:
        text = printed(line["paper_mean"], line["paper_std"])
    return Text(text, grey=not line["verdict"])


def _difference(line: Line) -> str:
    interval = [line[f"comparison_{name}"] for name in ("value", "low", "high")]
    if pd.isna(interval[0]):
        return NOTHING
    if line["comparison"] == "ratio":
        return ratio_with_interval(*interval)
    return signed_with_interval(*interval, decimals(line["ours_mean"], line["ours_std"]))


def _verdict(line: Line) -> str:
    if line["verdict"] != UNDECIDED:
        return line["verdict"] or NOTHING
    seeds = line["seeds_to_decide"]
    return f"{UNDECIDED}, n >= {seeds} would decide" if seeds else f"{UNDECIDED} at any n"


def _compared(table: ResultTable, row: str) -> list[Cell]:
    """Return the cells of a row that are different runs measured alike; none where they are not."""
    cells = [cell for cell in table.cells if cell.row == row and not cell.is_difference]
    names = {cell.metric.rsplit("/", 1)[-1] for cell in cells}
    return cells if len({(cell.setting, cell.variant) for cell in cells}) > 1 and len(names) == 1 else []


def _best(table: ResultTable, lines: dict[tuple[str, str], Line], row: str) -> set[str]:
    """Return the columns with the best mean of a row, ties together; none where nothing is compared or may be."""
    cells = _compared(table, row)
    if any(not lines[row, cell.column]["verdict"] for cell in cells):
        return set()
    means = {cell.column: lines[row, cell.column]["ours_mean"] for cell in cells if lines[row, cell.column]["n"]}
    if not means:
        return set()
    pick = max if higher_is_better(cells[0].metric) else min
    return {column for column, mean in means.items() if mean == pick(means.values())}
