"""The long frame of a table: one line per cell with everything that is known about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import pandas as pd

from uhn.errors import UserError
from uhn.reporting.collect import Pair, Run
from uhn.reporting.definitions import Cell, Table
from uhn.reporting.reference import Key, Reference, find
from uhn.reporting.statistics import difference, summarise, verdict

# column of the frame -> (field, scale) of "parameters" in result.json
COUNTS = {
    "params_run": ("printed", "run"),
    "params_paper_scale": ("printed", "paper"),
    "trainable_run": ("trainable", "run"),
    "trainable_paper_scale": ("trainable", "paper"),
    "target_run": ("target", "run"),
    "target_paper_scale": ("target", "paper"),
}


def build_frame(table: Table, results: dict[Pair, list[Run]], references: dict[Key, Reference]) -> pd.DataFrame:
    """Build the long frame, in table order.

    A diverged run is left out of means and costs; it counts in ``failures`` and is named in ``failed_keys``.
    ``run_keys`` names all runs of the cell, failed ones too. Unknown numbers are NaN.

    Args:
        table: the definition.
        results: the runs of each (setting, variant) of the table.
        references: the printed numbers.

    Raises:
        UserError: a metric or a line of paper.csv is missing, or the seeds of a cell differ in size.
    """
    return pd.DataFrame([_line(table, cell, results, references) for cell in table.cells])


def params_warnings(frame: pd.DataFrame, references: dict[Key, Reference]) -> list[str]:
    """Say, in one sentence, where paper-scale parameter counts are not the ones that the paper prints."""
    deviations = []
    for line in frame.to_dict("records"):
        printed = references.get((line["table"], line["row"], line["column"], "params"))
        count = line["params_paper_scale"]
        if printed and printed.mean is not None and printed.mean != count:
            deviations.append(f"{line['row']} {line['column']} has {count:,}, printed {printed.mean:,.0f}")
    if not deviations:
        return []
    return [f"Parameter counts at the paper's scale differ from the printed ones: {'; '.join(deviations)}."]


def _line(table: Table, cell: Cell, results: dict[Pair, list[Run]], references: dict[Key, Reference]) -> dict[str, Any]:
    runs = results[cell.setting, cell.variant]
    completed = [run for run in runs if not run.diverged]
    failed = [run for run in runs if run.diverged]
    ours = summarise([run.metric(cell.metric) for run in completed])
    paper = find(references, table.number, cell.row, cell.column)
    labels = dict(zip(table.labels, table.rows[cell.row], strict=True))
    return {
        "table": table.number,
        "row": cell.row,
        "column": cell.column,
        **{name.lower(): text for name, text in labels.items()},
        "ours_mean": ours.mean,
        "ours_std": ours.std,
        "n": ours.n,
        "ci_low": ours.ci_low,
        "ci_high": ours.ci_high,
        "paper_mean": math.nan if paper.mean is None else paper.mean,
        "paper_std": math.nan if paper.std is None else paper.std,
        "difference": difference(ours, paper.mean),
        "verdict": verdict(ours, paper.mean, paper.std),
        "failures": len(failed),
        **{name: _count(runs, *where) for name, where in COUNTS.items()},
        "wall_s_mean": _cost(completed, "wall_s"),
        "cpu_s_mean": _cost(completed, "cpu_s"),
        "run_keys": " ".join(run.key for run in runs),
        "failed_keys": " ".join(run.key for run in failed),
    }


def _cost(runs: Sequence[Run], field: str) -> float:
    return fmean(run.record["cost"][field] for run in runs) if runs else math.nan


def _count(runs: Sequence[Run], field: str, scale: str) -> int:
    """Return a parameter count, which all seeds of a cell must share."""
    counts = {run.record["parameters"][scale][field]: run for run in runs}
    if len(counts) > 1:
        (one, first), (other, second) = list(counts.items())[:2]
        raise UserError(
            f"{second.path}: {field} parameters are {other:,}, but {one:,} in {first.path}; "
            "rerun the older of the two with the present configuration"
        )
    return next(iter(counts))
