"""What a table says about itself: scale, data, seeds, meaning of the columns, failures, versions."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from uhn.metrics import higher_is_better
from uhn.reporting.collect import Run
from uhn.reporting.definitions import Table
from uhn.reporting.layout import shared_generator_counts

VERDICT = (
    "Verdict: within = the paper's mean lies in our 95% Student t interval widened on both sides by the "
    "paper's own std (0 where unknown); above, below = our mean is higher, lower than the paper's; "
    "- = the paper's value is unknown or n < 2."
)


def caption(
    table: Table,
    frame: pd.DataFrame,
    runs: Sequence[Run],
    scale: str,
    scale_label: str,
    warnings: Sequence[str] = (),
) -> list[str]:
    """Compose the caption, one sentence or two per entry, without the title.

    Args:
        table: the definition.
        frame: the table's long frame.
        runs: the runs of the table, each once.
        scale: name of the scale.
        scale_label: what its configuration says about it, e.g. that it is not comparable with the paper.
        warnings: sentences to end with.
    """
    return [
        _scale(scale, scale_label),
        *_data(runs),
        _metrics(table),
        _seeds(frame, runs),
        VERDICT,
        _failures(runs),
        *_generators(table, frame),
        _versions(runs),
        *(f"Warning: {warning}" for warning in warnings),
    ]


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _scale(scale: str, label: str) -> str:
    return _sentence(label if label.startswith(f"{scale} scale") else f"{scale} scale: {label}")


def _data(runs: Sequence[Run]) -> list[str]:
    """Name the sources of the data (with the sets, where sources differ) and repeat the files' notes."""
    sets: dict[str, list[str]] = {}
    notes: dict[str, None] = {}
    for data in (run.record["data"] for run in runs):
        names = sets.setdefault(data["source"], [])
        if data["dataset"] not in names:
            names.append(data["dataset"])
        if data["note"]:
            notes[_sentence(data["note"])] = None
    if len(sets) == 1:
        return [f"Data source: {next(iter(sets))}.", *notes]
    named = "; ".join(f"{source} ({', '.join(names)})" for source, names in sets.items())
    return [f"Data sources: {named}.", *notes]


def _metrics(table: Table) -> str:
    names = dict.fromkeys(cell.metric for cell in table.cells)
    ways = (f"{name} ({'higher' if higher_is_better(name) else 'lower'} is better)" for name in names)
    compared = "; the better mean of a row is bold" if len(table.columns) > 1 else ""
    return f"Metric: {', '.join(ways)}{compared}."


def _seeds(frame: pd.DataFrame, runs: Sequence[Run]) -> str:
    seeds = sorted({run.record["seed"] for run in runs})
    low, high = frame["n"].min(), frame["n"].max()
    n = f"n = {low}" if low == high else f"n from {low} to {high}"
    return (
        f"Seeds: {', '.join(map(str, seeds))}. Ours: mean ± sample std (ddof 1) over the completed runs "
        f"of a cell ({n})."
    )


def _failures(runs: Sequence[Run]) -> str:
    failed = sum(run.diverged for run in runs)
    effect = ", counted under fail. and left out of the means" if failed else ""
    return f"Failed (diverged): {failed} of {len(runs)} runs{effect}."


def _generators(table: Table, frame: pd.DataFrame) -> list[str]:
    """State the sizes of the generators that have one size in all rows, once for columns that share it."""
    columns: dict[tuple[int, ...], list[str]] = {}
    for column, counts in shared_generator_counts(table, frame).items():
        columns.setdefault(counts, []).append(table.columns[column])
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


def _versions(runs: Sequence[Run]) -> str:
    versions = sorted({run.record["code_version"] for run in runs})
    digests = sorted({run.record["source_digest"][:12] for run in runs})
    name, source = ("version", "source") if len(versions) == 1 else ("versions", "sources")
    return f"Code {name} {', '.join(map(str, versions))}, {source} {', '.join(digests)}."
