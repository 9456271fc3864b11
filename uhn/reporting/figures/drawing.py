"""What drawing a figure results in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from uhn.reporting.collect import Run
from uhn.reporting.figure_definitions import Series


@dataclass(frozen=True)
class Drawing:
    """A figure without its caption.

    Attributes:
        figure: the panels.
        frame: every number that is drawn, for the CSV.
        remarks: what the caption says of the marks, in parts of one sentence.
    """

    figure: Figure
    frame: pd.DataFrame
    remarks: list[str]


def completed(runs: Sequence[Run]) -> list[Run]:
    """Leave the diverged runs out."""
    return [run for run in runs if not run.diverged]


def mark_points(points: pd.DataFrame, column: str, series: Series, runs: Sequence[Run]) -> pd.DataFrame:
    """Name the series (in the first column) and the completed runs that points were drawn from."""
    points.insert(0, column, series.id)
    points["run_keys"] = " ".join(run.key for run in completed(runs))
    return points


def joined(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join the points of all series; of a figure whose runs all diverged there are none."""
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
