"""What a table of run results says about itself, in at most three sentences; docs/reading_tables.md says the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from uhn.reporting.collect import Pair, Run
from uhn.reporting.result_layout import usual_counts
from uhn.reporting.sentences import about_data, about_failures, closing, seeds_text, sentence
from uhn.reporting.table_definitions import ResultTable

METRICS = {"accuracy": "accuracy", "rmse": "RMSE", "loss": "loss"}


def result_caption(
    table: ResultTable,
    frame: pd.DataFrame,
    results: Mapping[Pair, Sequence[Run]],
    about_scale: str,
    warnings: Sequence[str] = (),
) -> list[str]:
    """Compose the caption, without the title: scale and data; seeds and failures; warnings and notes.

    Args:
        table: the definition.
        frame: the table's long frame.
        results: the runs of each (setting, variant) of the table.
        about_scale: what the scale is, e.g. that it is not comparable with the paper.
        warnings: sentences to end with.
    """
    runs = [run for group in results.values() for run in group]
    return [
        sentence(f"{about_scale.rstrip('.')}; {_metrics(table)} on {about_data(runs)}"),
        sentence(f"{_spread(frame)} {seeds_text(runs)} ({_n(frame)}; {about_failures(runs)})"),
        *closing(warnings, table.notes),
    ]


def _metrics(table: ResultTable) -> str:
    names = dict.fromkeys(METRICS[cell.metric.rsplit("/", 1)[-1]] for cell in table.cells)
    return f"test {' and '.join(names)}"


def _spread(frame: pd.DataFrame) -> str:
    return "Mean ± sample standard deviation over" if frame["n"].max() > 1 else "Values of"


def _n(frame: pd.DataFrame) -> str:
    """Say how many runs are behind a cell, where the cell does not say it itself."""
    usual = usual_counts(frame)
    if usual is None:
        return "n as marked"
    everywhere = all(usual == counts for counts in zip(frame["n"], frame["failures"], strict=True))
    return f"n = {usual[0]}{'' if everywhere else ' where not marked'}"
