"""Per-model results of multi-model runs, gathered over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import Any

import pandas as pd

from uhn.errors import UserError
from uhn.reporting.collect import Run
from uhn.reporting.figures.drawing import completed

SEEN, UNSEEN = "seen", "unseen"

# an unseen model this many robust standard deviations below the median is an outlier
OUTLIER = 5.0
# median absolute deviation -> standard deviation of a normal distribution
ROBUST = 1.4826


def gather(runs: Sequence[Run]) -> pd.DataFrame:
    """Return one line per model and completed run: model, split, parameters, summary, distance, accuracy, gap, run.

    ``gap`` is the mean accuracy of the run's seen models minus the model's own.

    Raises:
        UserError: a run has no per-model results, or lacks one of the splits.
    """
    lines: list[dict[str, Any]] = []
    for run in completed(runs):
        models = run.record.get("models")
        if not models:
            raise UserError(f"{run.path}: has no per-model results ('models'); evaluate the run again")
        if missing := {SEEN, UNSEEN} - {model["split"] for model in models}:
            raise UserError(f"{run.path}: has no {missing.pop()} models; evaluate the run again")
        seen = fmean(model["metrics"]["accuracy"] for model in models if model["split"] == SEEN)
        for model in models:
            accuracy = model["metrics"]["accuracy"]
            keys = ("split", "parameters", "summary", "distance")
            line = {"model": model["name"], **{key: model[key] for key in keys}}
            lines.append({**line, "accuracy": accuracy, "gap": seen - accuracy, "run": run.key})
    return pd.DataFrame(lines)


def over_seeds(lines: pd.DataFrame, value: str) -> pd.DataFrame:
    """Return one line per model with ``<value>_mean``, ``<value>_std`` (ddof 1) and n, in the order of the files."""
    facts = ["model", "split", "parameters", "summary", "distance"]
    groups = lines.groupby(facts, sort=False, dropna=False)[value]
    return groups.agg(**{f"{value}_mean": "mean", f"{value}_std": "std", "n": "size"}).reset_index()


def outliers(values: Sequence[float]) -> list[bool]:
    """Tell which values lie more than :data:`OUTLIER` robust standard deviations below the median."""
    middle = median(values)
    limit = OUTLIER * ROBUST * median(abs(value - middle) for value in values)
    return [middle - value > limit for value in values]
