"""The long frame of a table of sweeps: grids and selected values, ours and the paper's, or guardrails."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from uhn.errors import UserError
from uhn.reporting.collect_sweeps import DecidedSweep, searched
from uhn.reporting.table_definitions import SweepTable
from uhn.sweeps.grids import Hyperparameters, Metric
from uhn.sweeps.selection import Selection

LABELS = {
    "pioneer_budget": "pioneer budget",
    "init_lr": "init lr",
    "init_steps": "init steps",
    "train_lr": "train lr",
    "train_budget": "train budget",
}
NOT_RUN = "not run"


def build_sweep_frame(table: SweepTable, sweeps: Sequence[DecidedSweep], comparable: bool) -> pd.DataFrame:
    """Build the long frame, in table order. Unknown and inapplicable values are NaN.

    Guardrails have one line per metric, with the winner's mean and population std over its pooled seeds. All other
    tables have one line per sweep and hyperparameter.
    Of a hyperparameter: grid (what ran), full_grid (without the scale's reduction), grid_source (published if the
    full grid is the printed one, else ours), ours, paper, same (NaN unless the scale is
    comparable with the paper). Of a sweep: val_mean and val_std (population) of the
    winner over its pooled seeds, candidates, paper_status (of the paper's choice in the search: ranked, dropped, not
    searched or unknown), paper_rank (its 0-based place among all candidates, before the extra seeds), dropped.

    Raises:
        UserError: a table of guardrails whose sweeps have none.
    """
    number = table.number or table.name
    if table.kind == "guardrails":
        lines = [
            {"table": number, **_guardrail_facts(sweep, metric)}
            for sweep in sweeps
            for metric in sweep.full.metrics
            if metric.guardrail is not None
        ]
        if not lines:
            raise UserError(f"{table.name}: none of its sweeps has a guardrail; correct the sweeps of its definition")
    else:
        lines = [
            {"table": number, **_hyperparameter_facts(sweep, name, comparable), **_sweep_facts(sweep)}
            for sweep in sweeps
            for name in searched(sweep.config)
        ]
    return pd.DataFrame(lines)


def _hyperparameter_facts(sweep: DecidedSweep, name: str, comparable: bool) -> dict[str, Any]:
    config = sweep.config
    ours, paper = _value(sweep.winner, name), _value(sweep.printed.choice, name)
    full_grid = getattr(sweep.full, name)
    units = {"train_budget": config.budget_unit, "init_steps": "steps"}
    return {
        "sweep": config.name,
        "setting": config.setting,
        "variant": config.variant,
        "hyperparameter": name,
        "unit": units.get(name, ""),
        "pioneer_budget": config.pioneer_budget if name == "train_budget" and config.four_stage else math.nan,
        "grid": _grid(getattr(config, name)),
        "full_grid": _grid(full_grid),
        "grid_source": "published" if sweep.printed.grids.get(name) == full_grid else "ours",
        "ours": ours,
        "paper": paper,
        "same": math.nan if not comparable or math.isnan(ours) or math.isnan(paper) else ours == paper,
    }


def _sweep_facts(sweep: DecidedSweep) -> dict[str, Any]:
    """Return the winner's validation metric (of single-task sweeps) and where the paper's choice came in."""
    metrics, search, choice = sweep.config.metrics, sweep.search, sweep.printed.choice
    metric = metrics[0].name if len(metrics) == 1 else None
    facts: dict[str, Any] = {
        "metric": metric or "mean rank over tasks",
        "val_mean": math.nan,
        "val_std": math.nan,
        "n_seeds": 0,
        "candidates": 0,
        "paper_status": "unknown" if choice is None else NOT_RUN,
        "paper_rank": math.nan,
        "paper_val_mean": math.nan,
        "dropped": 0,
    }
    if sweep.best:
        best = sweep.best.candidate
        facts |= {"n_seeds": len(best.seeds), "dropped": len(sweep.selections[-1].dropped)}
        if metric:
            facts |= {"val_mean": best.mean(metric), "val_std": best.std(metric)}
    if search:
        facts["candidates"] = len(search.ranking) + len(search.dropped)
        if choice:
            facts |= _paper_facts(search, choice, metric)
    return facts


def _paper_facts(search: Selection, choice: Hyperparameters, metric: str | None) -> dict[str, Any]:
    for rank, entry in enumerate(search.ranking):
        if entry.candidate.hyperparameters == choice:
            mean = entry.candidate.mean(metric) if metric else math.nan
            return {"paper_status": "ranked", "paper_rank": rank, "paper_val_mean": mean}
    return {"paper_status": "dropped" if search.slot_of(choice) else "not searched"}


def _guardrail_facts(sweep: DecidedSweep, metric: Metric) -> dict[str, Any]:
    best = sweep.best.candidate if sweep.best else None
    mean = best.mean(metric.name) if best else math.nan
    return {
        "sweep": sweep.config.name,
        "metric": metric.name,
        "guardrail": metric.guardrail,
        "direction": ">=" if metric.higher_is_better else "<=",
        "in_force": metric in sweep.config.metrics,
        "val_mean": mean,
        "val_std": best.std(metric.name) if best else math.nan,
        "n_seeds": len(best.seeds) if best else 0,
        "met": not metric.violated(mean) if best else math.nan,
    }


def _value(choice: Hyperparameters | None, name: str) -> float:
    return math.nan if choice is None else float(getattr(choice, name))


def _grid(values: Sequence[float]) -> str:
    return " ".join(f"{value:g}" for value in values)
