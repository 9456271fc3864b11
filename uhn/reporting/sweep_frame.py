"""The long frame of the sweep tables: grids and selected values, ours and the paper's."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from uhn.configuration.resolve import load_experiment
from uhn.errors import UserError
from uhn.sweeps.files import read_decided
from uhn.sweeps.grids import Hyperparameters, SweepConfig
from uhn.sweeps.load import load_sweeps
from uhn.sweeps.selection import Selection

# in the order of the paper's tables
HYPERPARAMETERS = ("init_lr", "init_steps", "train_lr", "train_budget")
NOT_RUN = "not run"


@dataclass(frozen=True)
class Outcome:
    """A sweep with everything its tables need.

    Args:
        sweep: the sweep as it ran.
        full: the same sweep without a scale's reduction.
        selections: of its stages, in order; empty if it was not run.
        published: the paper's choice; None where unknown.
    """

    sweep: SweepConfig
    full: SweepConfig
    selections: Sequence[Selection]
    published: Hyperparameters | None

    @property
    def winner(self) -> Hyperparameters | None:
        """Our choice; None unless all stages are decided."""
        return self.selections[-1].winner if self.finished else None

    @property
    def finished(self) -> bool:
        """Whether the last stage is decided."""
        return bool(self.selections) and self.selections[-1].stage == self.sweep.stages[-1]

    @property
    def search(self) -> Selection | None:
        """The selection that ranks all candidates, before the best three get more seeds."""
        wanted = self.sweep.last_search_stage
        return next((one for one in self.selections if one.stage == wanted), None)


def load_outcomes(folder: Path, scale: str, names: Sequence[str] | None = None) -> list[Outcome]:
    """Read what the sweeps of a scale have decided so far.

    Args:
        folder: of all sweeps.
        scale: name of the scale.
        names: sweeps to read; all if None.

    Raises:
        UserError: a configuration or selection file is wrong.
    """
    full = load_sweeps("paper")
    sweeps = {name: one for name, one in load_sweeps(scale).items() if names is None or name in names}
    published = {
        name: one.published_choice(load_experiment(one.setting)["variants"][one.variant])
        for name, one in sweeps.items()
    }
    return gather_outcomes(
        sweeps, full, {name: read_decided(folder, one, scale) for name, one in sweeps.items()}, published
    )


def gather_outcomes(
    sweeps: Mapping[str, SweepConfig],
    full: Mapping[str, SweepConfig],
    selections: Mapping[str, Sequence[Selection]],
    published: Mapping[str, Hyperparameters],
) -> list[Outcome]:
    """Put together what belongs to one sweep, in the order of the configuration.

    Raises:
        UserError: selections of a sweep that the configuration does not have.
    """
    if strays := sorted(set(selections) - set(sweeps)):
        raise UserError(f"selections of unknown sweep '{strays[0]}'; expected one of {', '.join(sweeps)}")
    return [Outcome(sweep, full[name], selections.get(name, ()), published.get(name)) for name, sweep in sweeps.items()]


def of_table(outcomes: Iterable[Outcome], number: int) -> list[Outcome]:
    """Return the sweeps whose grids or selected values a table prints."""
    return [one for one in outcomes if number in (one.sweep.grid_table, one.sweep.selected_table)]


def build_sweep_frame(number: int, outcomes: Iterable[Outcome]) -> pd.DataFrame:
    """Build the long frame of a table: one line per sweep and hyperparameter.

    Of a hyperparameter: grid (what ran), full_grid (without the scale's reduction), grid_source (published or
    ours), ours, paper, same. Of a sweep: val_mean and val_std (population) of the winner over its pooled seeds,
    candidates, paper_status (of the paper's choice in the search: ranked, dropped, not searched or unknown), paper_rank
    (its 0-based place among all candidates, before the extra seeds), dropped.
    Unknown and inapplicable values are NaN.
    """
    lines = []
    for outcome in of_table(outcomes, number):
        facts = _sweep_facts(outcome)
        for name in HYPERPARAMETERS if outcome.sweep.four_stage else HYPERPARAMETERS[2:]:
            lines.append({"table": number, **_value_facts(outcome, name), **facts})
    return pd.DataFrame(lines)


def _value_facts(outcome: Outcome, name: str) -> dict[str, Any]:
    sweep = outcome.sweep
    ours = _value(outcome.winner, name)
    paper = _value(outcome.published, name)
    units = {"train_budget": sweep.budget_unit, "init_steps": "steps"}
    pioneer = sweep.pioneer_budget if name == "train_budget" and sweep.four_stage else math.nan
    return {
        "sweep": sweep.name,
        "setting": sweep.setting,
        "variant": sweep.variant,
        "hyperparameter": name,
        "unit": units.get(name, ""),
        "pioneer_budget": pioneer,
        "grid": _grid(getattr(sweep, name)),
        "full_grid": _grid(getattr(outcome.full, name)),
        "grid_source": "published" if sweep.published else "ours",
        "ours": ours,
        "paper": paper,
        "same": math.nan if math.isnan(ours) or math.isnan(paper) else ours == paper,
    }


def _sweep_facts(outcome: Outcome) -> dict[str, Any]:
    """Return the winner's validation metric (of single-task sweeps) and where the paper's choice came in."""
    sweep, search = outcome.sweep, outcome.search
    single = sweep.metrics[0].name if len(sweep.metrics) == 1 else None
    facts: dict[str, Any] = {
        "metric": single or "mean rank over tasks",
        "val_mean": math.nan,
        "val_std": math.nan,
        "n_seeds": 0,
        "candidates": 0,
        "paper_status": "unknown" if outcome.published is None else NOT_RUN,
        "paper_rank": math.nan,
        "paper_val_mean": math.nan,
        "dropped": 0,
    }
    if outcome.finished:
        best = outcome.selections[-1].ranking[0].candidate
        facts |= {"n_seeds": len(best.seeds), "dropped": len(outcome.selections[-1].dropped)}
        if single:
            facts |= {"val_mean": best.mean(single), "val_std": best.std(single)}
    if search:
        facts["candidates"] = len(search.ranking) + len(search.dropped)
        if outcome.published:
            facts |= _paper_facts(search, outcome.published, single)
    return facts


def _paper_facts(search: Selection, published: Hyperparameters, single: str | None) -> dict[str, Any]:
    for place, entry in enumerate(search.ranking):
        if entry.candidate.hyperparameters == published:
            mean = entry.candidate.mean(single) if single else math.nan
            return {"paper_status": "ranked", "paper_rank": place, "paper_val_mean": mean}
    return {"paper_status": "dropped" if search.slot_of(published) else "not searched"}


def _value(chosen: Hyperparameters | None, name: str) -> float:
    return math.nan if chosen is None else float(getattr(chosen, name))


def _grid(values: Sequence[float]) -> str:
    return " ".join(f"{value:g}" for value in values)
