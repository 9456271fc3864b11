"""The long frame of a table of run results: one line per cell with everything that is known about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

import pandas as pd

from uhn.errors import UserError
from uhn.reporting.collect import Pair, Run
from uhn.reporting.reference import NOT_IN_PAPER, Key, Reference, find
from uhn.reporting.statistics import SeedStatistics, statistics_over_seeds
from uhn.reporting.table_definitions import Cell, ResultTable
from uhn.reporting.verdict import Comparison, Margin, compare

# column of the frame -> (scale, field) of "parameters" in result.json
COUNTS = {
    "params_run": ("run", "printed"),
    "params_paper_scale": ("paper", "printed"),
    "trainable_run": ("run", "trainable"),
    "trainable_paper_scale": ("paper", "trainable"),
    "target_run": ("run", "target"),
    "target_paper_scale": ("paper", "target"),
}

# column of the frame -> (scale, field) of "family" in result.json
FAMILY = {
    "members_run": ("run", "members"),
    "members_paper_scale": ("paper", "members"),
    "mean_target_run": ("run", "mean_params"),
    "mean_target_paper_scale": ("paper", "mean_params"),
    "max_target_run": ("run", "max_params"),
    "max_target_paper_scale": ("paper", "max_params"),
}


STANDIN = "standin"  # source of data that is never compared with the paper


def build_result_frame(
    table: ResultTable,
    results: Mapping[Pair, Sequence[Run]],
    references: Mapping[Key, Reference],
    margins: Mapping[str, Margin] | None = None,
) -> pd.DataFrame:
    """Build the long frame, in table order.

    A diverged run is left out of means and costs; it counts in ``failures`` and is named in ``failed_keys``.
    ``run_keys`` names all runs of the cell, failed and subtracted ones too. Unknown numbers are NaN. The columns of the
    comparison with the paper are those of :class:`uhn.reporting.verdict.Comparison`; without margins, and of runs on
    stand-in data, they are empty. Where runs have other configurations than expected, ``mixed_keys`` names them.

    Args:
        table: the definition.
        results: the runs of each (setting, variant) of the table.
        references: the printed numbers.
        margins: metric -> margin of its verdicts; None at a scale that is not comparable with the paper.

    Raises:
        UserError: a metric, its margin or a line of paper.csv is missing, or the seeds of a cell differ in size.
    """
    frame = pd.DataFrame([_line(table, cell, results, references, margins) for cell in table.cells])
    mixed = [[run.key for pair in cell.pairs for run in results[pair] if run.mixed] for cell in table.cells]
    return frame.assign(mixed_keys=[" ".join(keys) for keys in mixed]) if any(mixed) else frame


def params_warnings(frame: pd.DataFrame, references: Mapping[Key, Reference]) -> list[str]:
    """Say, in one sentence, where paper-scale parameter counts are not the ones that the paper prints."""
    deviations: dict[str, None] = {}
    for line in frame.to_dict("records"):
        for column, count in _countable(line).items():
            printed = references.get((line["table"], line["row"], column, "params"))
            if printed and printed.mean is not None and printed.mean != count:
                deviations[f"{line['row']} {column} has {count:,}, printed {printed.mean:,.0f}"] = None
    if not deviations:
        return []
    return [f"Parameter counts at the paper's scale differ from the printed ones: {'; '.join(deviations)}."]


def _countable(line: dict[str, Any]) -> dict[str, int]:
    """Return the paper-scale counts of a line by the column id they have in paper.csv."""
    if "members_run" not in line:
        return {line["column"]: line["params_paper_scale"]}
    return {
        "number_of_models": line["members_paper_scale"],
        "average_target": int(line["mean_target_paper_scale"]),  # the paper truncates averages
        "maximum_target": line["max_target_paper_scale"],
        "uhn": line["params_paper_scale"],
    }


def _line(
    table: ResultTable,
    cell: Cell,
    results: Mapping[Pair, Sequence[Run]],
    references: Mapping[Key, Reference],
    margins: Mapping[str, Margin] | None,
) -> dict[str, Any]:
    runs = results[cell.setting, cell.variant]
    completed = [run for run in runs if not run.diverged]
    every_run = [run for pair in cell.pairs for run in results[pair]]
    failed = [run for run in every_run if run.diverged]
    ours = statistics_over_seeds(_values(cell, results))
    paper = find(references, table.number, cell.row, cell.column) if cell.in_paper else NOT_IN_PAPER
    labels = dict(zip(table.labels, table.rows[cell.row], strict=True))
    by_family = table.sizes == "family"
    sources = _distinct(every_run, lambda run: run.record["data"]["source"])
    return {
        "table": table.number or table.name,
        "row": cell.row,
        "column": cell.column,
        **{name.lower(): text for name, text in labels.items()},
        "metric": cell.metric + (f" - {cell.minus or cell.minus_variant}" if cell.is_difference else ""),
        "ours_mean": ours.mean,
        "ours_std": ours.std,
        "n": ours.n,
        "ci_low": ours.ci_low,
        "ci_high": ours.ci_high,
        "paper_mean": math.nan if paper.mean is None else paper.mean,
        "paper_std": math.nan if paper.std is None else paper.std,
        **_comparison(cell, ours, paper, None if STANDIN in sources else margins),
        "failures": len(runs) - ours.n,
        **{name: _shared(runs, "parameters", *where) for name, where in COUNTS.items()},
        **({name: _shared(runs, "family", *where) for name, where in FAMILY.items()} if by_family else {}),
        "init_steps_mean": _mean(completed, "steps", "init"),
        "train_steps_mean": _mean(completed, "steps", "train"),
        "step_s_mean": _mean(completed, "cost", "step_s"),
        "peak_memory_bytes_max": max((run.record["cost"]["peak_memory_bytes"] for run in completed), default=math.nan),
        "wall_s_mean": _mean(completed, "cost", "wall_s"),
        "cpu_s_mean": _mean(completed, "cost", "cpu_s"),
        "devices": " ".join(_distinct(completed, lambda run: run.record["cost"]["device"])),
        "data_sources": " ".join(sources),
        "data_notes": "; ".join(_distinct(every_run, lambda run: run.record["data"]["note"] or "")),
        "code_versions": " ".join(_distinct(every_run, lambda run: str(run.record["code_version"]))),
        "source_digests": " ".join(_distinct(every_run, lambda run: run.record["source_digest"][:12])),
        "run_keys": " ".join(run.key for run in every_run),
        "failed_keys": " ".join(run.key for run in failed),
        "failed_reasons": "; ".join(str(run.record["reason"]) for run in failed),
    }


def _comparison(
    cell: Cell, ours: SeedStatistics, paper: Reference, margins: Mapping[str, Margin] | None
) -> dict[str, Any]:
    """Return the columns of the comparison; a difference of ours and what the paper lacks get no verdict."""
    if margins is None:
        found = Comparison("", verdict="")
    elif cell.is_difference or not cell.in_paper:
        found = Comparison("")
    else:
        name = cell.metric.rsplit("/", 1)[-1]
        if name not in margins:
            raise UserError(f"verdicts.yaml: has no margin for {name}, which {cell.row} shows; add one")
        found = compare(ours, paper, margins[name])
    return {
        "comparison": found.kind,
        "comparison_value": found.value,
        "comparison_low": found.low,
        "comparison_high": found.high,
        "margin_low": found.margin_low,
        "margin_high": found.margin_high,
        "verdict": found.verdict,
        "seeds_to_decide": "" if found.seeds is None else found.seeds,
    }


def _distinct(runs: Sequence[Run], read: Callable[[Run], str]) -> list[str]:
    return sorted({text for run in runs if (text := read(run))})


def _values(cell: Cell, results: Mapping[Pair, Sequence[Run]]) -> list[float]:
    """Return what each completed run contributes; a difference of variants needs the seed's runs of both."""
    by_pair = [{run.record["seed"]: run for run in results[pair] if not run.diverged} for pair in cell.pairs]
    runs, subtracted = by_pair[0], by_pair[-1]
    if not cell.is_difference:
        return [run.metric(cell.metric) for run in runs.values()]
    minus = cell.minus or cell.metric
    return [runs[seed].metric(cell.metric) - subtracted[seed].metric(minus) for seed in runs if seed in subtracted]


def _mean(runs: Sequence[Run], section: str, field: str) -> float:
    return fmean(run.record[section][field] for run in runs) if runs else math.nan


def _shared(runs: Sequence[Run], section: str, scale: str, field: str) -> float:
    """Return a size that all seeds of a cell must share."""
    sizes: dict[float, Run] = {}
    for run in runs:
        if section not in run.record:
            raise UserError(f"{run.path}: has no {section!r}, which this table shows; rerun its job")
        sizes.setdefault(run.record[section][scale][field], run)
    if len(sizes) > 1:
        (one, first), (other, second) = list(sizes.items())[:2]
        raise UserError(
            f"{second.path}: {field} of {section} ({scale}) is {other:,}, but {one:,} in {first.path}; "
            "rerun the older of the two with the present configuration"
        )
    return next(iter(sizes))
