"""What a table of run results says about itself: scale, data, seeds, meaning of the columns, failures, versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from uhn.metrics import higher_is_better
from uhn.reporting.collect import Pair, Run
from uhn.reporting.result_layout import generator_sizes, is_compared
from uhn.reporting.sentences import (
    Place,
    data_sentences,
    failure_sentence,
    seeds_text,
    sentence,
    version_sentence,
)
from uhn.reporting.table_definitions import ResultTable

VERDICT = (
    "Verdict: within = the paper's mean lies in our 95% Student t interval widened on both sides by the "
    "paper's own std (0 where unknown); above, below = our mean is higher, lower than the paper's; "
    "- = the paper's value is unknown or n < 2."
)


def result_caption(
    table: ResultTable,
    frame: pd.DataFrame,
    results: Mapping[Pair, Sequence[Run]],
    about_scale: str,
    warnings: Sequence[str] = (),
) -> list[str]:
    """Compose the caption, one sentence or two per entry, without the title.

    Args:
        table: the definition.
        frame: the table's long frame.
        results: the runs of each (setting, variant) of the table.
        about_scale: the first sentence, e.g. that the scale is not comparable with the paper.
        warnings: sentences to end with.
    """
    runs = [run for group in results.values() for run in group]
    return [
        about_scale,
        *data_sentences(_places(table, results)),
        _metrics(table),
        *_derived(table),
        *map(sentence, table.notes),
        _seeds(frame, runs),
        *_printed_values(table),
        failure_sentence(runs, "counted under fail. and left out of the means"),
        *_generators(table, frame),
        version_sentence(runs),
        *(f"Warning: {warning}" for warning in warnings),
    ]


def _places(table: ResultTable, results: Mapping[Pair, Sequence[Run]]) -> list[Place]:
    return [
        (" ".join(table.rows[cell.row]), table.columns[cell.column], run)
        for cell in table.cells
        for pair in cell.pairs
        for run in results[pair]
    ]


def _metrics(table: ResultTable) -> str:
    """Name the metrics by their direction, and say what is bold where columns compete."""
    names: dict[str, dict[str, None]] = {}
    for metric in (cell.metric for cell in table.cells):
        names.setdefault("higher" if higher_is_better(metric) else "lower", {})[metric] = None
    ways = (f"{', '.join(some)} ({way} is better)" for way, some in names.items())
    competing = {cell.column for cell in table.cells if not cell.is_difference}
    better = "better" if len(competing) == 2 else "best"
    compared = any(is_compared(table, row) for row in table.rows)
    return f"Metric: {', '.join(ways)}{f'; the {better} mean of a row is bold' if compared else ''}."


def _derived(table: ResultTable) -> list[str]:
    """Explain the columns that are differences of two metrics or variants."""
    metrics = {(cell.column, cell.metric, cell.minus): None for cell in table.cells if cell.minus}
    variants = {(cell.column, cell.minus_variant): None for cell in table.cells if cell.minus_variant}
    return [
        *(f"{table.columns[column]}: {metric} minus {minus}, seed by seed." for column, metric, minus in metrics),
        *(
            f"{table.columns[column]}: difference to variant {variant} of the same setting, seed by seed, as mean [95% "
            "Student t interval]."
            for column, variant in variants
        ),
    ]


def _printed_values(table: ResultTable) -> list[str]:
    """Explain the comparison with the paper's numbers, and where it has none."""
    if table.number is None:
        return ["The paper has no such table and prints none of these comparisons."]
    if all(cell.in_paper for cell in table.cells):
        return [VERDICT]
    return [VERDICT, "A - under paper: the paper has no such number (unknown: it has one that we do not know)."]


def _seeds(frame: pd.DataFrame, runs: Sequence[Run]) -> str:
    low, high = frame["n"].min(), frame["n"].max()
    n = f"n = {low}" if low == high else f"n from {low} to {high}"
    return f"Seeds: {seeds_text(runs)}. Ours: mean ± sample std (ddof 1) over the completed runs of a cell ({n})."


def _generators(table: ResultTable, frame: pd.DataFrame) -> list[str]:
    """State the sizes of the generators that have one size in all rows, once for columns that share it."""
    if table.sizes == "family":
        return ["UHN #Params counts frozen tensors, as the paper does."]
    columns: dict[tuple[int, ...], list[str]] = {}
    for column, sizes in generator_sizes(table, frame).items():
        if len(sizes) == 1 and sizes != {None}:
            (size,) = sizes
            columns.setdefault(size, []).append(table.columns[column])
    sentences = []
    for (run_trainable, run_printed, paper_trainable, paper_printed), labels in columns.items():
        sentence = f"Generator {', '.join(labels)}: {run_trainable:,} trainable parameters"
        sentence += f", {run_printed:,} as the paper counts (with frozen tensors)"
        if (run_trainable, run_printed) == (paper_trainable, paper_printed):
            sentence += ", the paper's size."
        else:
            sentence += f"; at the paper's scale {paper_trainable:,} and {paper_printed:,}."
        sentences.append(sentence)
    return sentences
