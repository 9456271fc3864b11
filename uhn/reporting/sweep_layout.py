"""What stands where in a printed table of sweeps.

A table of grids or choices has one line per sweep; one with both has a line per hyperparameter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from uhn.reporting.document import NOTHING, UNKNOWN, Grid, Text
from uhn.reporting.reference import HYPERPARAMETERS
from uhn.reporting.rounding import learning_rate, mean_and_std
from uhn.reporting.sweep_frame import LABELS, NOT_RUN
from uhn.reporting.table_definitions import SweepTable

Line = dict[str, Any]


def lay_out_sweeps(table: SweepTable, frame: pd.DataFrame) -> Grid:
    """Arrange the long frame of a table of sweeps for print."""
    layouts = {
        "sweep_grids": _grids,
        "sweep_choices": _choices,
        "sweep_grids_and_choices": _grids_and_choices,
        "guardrails": _guardrails,
    }
    return layouts[table.kind](frame)


def _grids(frame: pd.DataFrame) -> Grid:
    names = _names(frame)
    has_pioneer = frame["pioneer_budget"].notna().any()
    heads = ["Sweep", *([LABELS["pioneer_budget"]] if has_pioneer else []), *(LABELS[name] for name in names), "grid"]
    blocks = []
    for sweep, lines in _by_hyperparameter(frame):
        pioneer = [_pioneer_text(lines["train_budget"])] if has_pioneer else []
        grids = [_grid_text(lines[name]) if name in lines else NOTHING for name in names]
        is_published = all(line["grid_source"] == "published" for line in lines.values())
        fields = [sweep, *pioneer, *grids, "published" if is_published else "ours"]
        blocks.append([[Text(field) for field in fields]])
    return Grid([("", len(heads))], heads, [True] * len(heads), blocks)


def _choices(frame: pd.DataFrame) -> Grid:
    names = _names(frame)
    heads = ["Sweep", *(LABELS[name] for name in names), "validation", "place"]
    blocks = []
    for sweep, lines in _by_hyperparameter(frame):
        values = [_choice(lines[name]) if name in lines else Text(NOTHING) for name in names]
        blocks.append([[Text(sweep), *values, *_validation_and_place(lines["train_lr"])]])
    return Grid([("", len(heads))], heads, [True, *[False] * (len(heads) - 1)], blocks)


def _grids_and_choices(frame: pd.DataFrame) -> Grid:
    heads = ["Sweep", "", "grid", "source", "choice", "validation", "place"]
    blocks = []
    for sweep, lines in _by_hyperparameter(frame):
        block: list[list[Text]] = []
        for name, line in lines.items():
            unit = f" ({line['unit']})" if name == "train_budget" else ""
            block.append(
                [
                    Text("" if block else sweep),
                    Text(LABELS[name] + unit),
                    Text(_grid_text(line)),
                    Text(line["grid_source"]),
                    _choice(line),
                    *([Text("")] * 2 if block else _validation_and_place(line)),
                ]
            )
        budget = lines["train_budget"]
        if not math.isnan(budget["pioneer_budget"]):
            label = f"{LABELS['pioneer_budget']} ({budget['unit']})"
            block.append([Text(""), Text(label), Text(f"{budget['pioneer_budget']:,.0f}"), *[Text("")] * 4])
        blocks.append(block)
    return Grid([("", len(heads))], heads, [True] * 4 + [False] * 3, blocks)


def _guardrails(frame: pd.DataFrame) -> Grid:
    heads = ["Sweep", "Metric", "guardrail", "in force", "validation", "met"]
    blocks = []
    for sweep, lines in frame.groupby("sweep", sort=False):
        block: list[list[Text]] = []
        for line in lines.to_dict("records"):
            fields = [
                "" if block else str(sweep),
                line["metric"],
                f"{line['direction']} {line['guardrail']:g}",
                "yes" if line["in_force"] else "no",
                mean_and_std(line["val_mean"], line["val_std"]) if line["n_seeds"] else NOT_RUN,
                _yes_or_no([line["met"]]),
            ]
            block.append([Text(field) for field in fields])
        blocks.append(block)
    return Grid([("", len(heads))], heads, [True, True, False, True, False, True], blocks)


def _names(frame: pd.DataFrame) -> list[str]:
    """Return the hyperparameters of a table, in the paper's order."""
    return [name for name in HYPERPARAMETERS if name in set(frame["hyperparameter"])]


def _by_hyperparameter(frame: pd.DataFrame) -> Iterator[tuple[str, dict[str, Line]]]:
    """Yield each sweep with its lines by hyperparameter."""
    for sweep, lines in frame.groupby("sweep", sort=False):
        yield str(sweep), {line["hyperparameter"]: line for line in lines.to_dict("records")}


def _pioneer_text(budget: Line) -> str:
    known = not math.isnan(budget["pioneer_budget"])
    return f"{budget['pioneer_budget']:,.0f} {budget['unit']}" if known else NOTHING


def _choice(line: Line) -> Text:
    """Return our choice with the paper's behind it; one that is known to be the paper's is bold and stands alone."""
    name = line["hyperparameter"]
    ours = _value_text(name, line["ours"], NOT_RUN)
    if line["same"] is True:
        return Text(ours, bold=True)
    paper = f"(paper {_value_text(name, line['paper'], UNKNOWN)})"
    return Text(ours, marks=(Text(paper, grey=True),))


def _value_text(name: str, value: float, absent: str) -> str:
    if math.isnan(value):
        return absent
    return learning_rate(value) if name.endswith("lr") else f"{value:,.0f}"


def _grid_text(line: Line) -> str:
    """Return the grid that ran and, where the scale keeps only a part of it, the full one."""
    name = line["hyperparameter"]
    ran, full = ([_value_text(name, float(value), "") for value in line[key].split()] for key in ("grid", "full_grid"))
    return ", ".join(ran) if ran == full else f"{', '.join(ran)} of {', '.join(full)}"


def _yes_or_no(values: Sequence[Any]) -> str:
    """Tell whether all are true; a NaN among them is not known to be."""
    if any(isinstance(value, float) for value in values):
        return NOTHING
    return "yes" if all(values) else "no"


def _validation_and_place(line: Line) -> tuple[Text, Text]:
    validation = NOTHING if math.isnan(line["val_mean"]) else mean_and_std(line["val_mean"], line["val_std"])
    status = line["paper_status"]
    if status == "ranked":
        status = f"{line['paper_rank'] + 1:.0f} of {line['candidates']}"
    return Text(validation), Text(NOTHING if status in (UNKNOWN, NOT_RUN) else status)
