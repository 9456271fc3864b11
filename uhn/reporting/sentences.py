"""What tables and figures alike say about their runs: scale, data, failures, versions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from uhn.reporting.collect import Run

# (row, column, run): where a run is shown
Place = tuple[str, str, Run]


def sentence(text: str) -> str:
    """Return the text with a capital and one full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:].rstrip(".") + "."


def scale_sentence(scale: str, label: str) -> str:
    """Say which scale this is.

    Args:
        scale: its name.
        label: what its configuration says about it, e.g. that it is not comparable with the paper.
    """
    return sentence(label if label.startswith(f"{scale} scale") else f"{scale} scale: {label}")


def data_sentences(places: Iterable[Place]) -> list[str]:
    """Name the source of the data, with the rows where sources differ, and repeat the notes of the files."""
    places = list(places)
    sources: dict[str, list[Place]] = {}
    notes: dict[str, list[Place]] = {}
    for row, column, run in places:
        data = run.record["data"]
        sources.setdefault(data["source"], []).append((row, column, run))
        if data["note"]:
            notes.setdefault(data["note"].strip().rstrip("."), []).append((row, column, run))
    if len(sources) == 1:
        sentences = [f"Data source: {next(iter(sources))}."]
    else:
        named = "; ".join(f"{source} ({_where(some, places)})" for source, some in sources.items())
        sentences = [f"Data sources: {named}."]
    for note, some in notes.items():
        everywhere = {place[:2] for place in some} == {place[:2] for place in places}
        sentences.append(sentence(note if everywhere else f"{_where(some, places)}: {note}"))
    return sentences


def failure_sentence(runs: Sequence[Run], effect: str) -> str:
    """Count the diverged runs and, if there are any, say what became of them."""
    failed = sum(run.diverged for run in runs)
    return f"Failed (diverged): {failed} of {len(runs)} runs{', ' + effect if failed else ''}."


def seeds_text(runs: Sequence[Run]) -> str:
    """List the seeds of the runs."""
    return ", ".join(str(seed) for seed in sorted({run.record["seed"] for run in runs}))


def version_sentence(runs: Sequence[Run]) -> str:
    """Name the code versions behind the runs, and their sources."""
    versions = [str(version) for version in sorted({run.record["code_version"] for run in runs})]
    digests = sorted({run.record["source_digest"][:12] for run in runs})
    return f"Code {_named('version', versions)}, {_named('source', digests)}."


def _named(noun: str, names: Sequence[str]) -> str:
    return f"{noun}{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _where(some: Sequence[Place], places: Sequence[Place]) -> str:
    """Name the rows of some of the places; with their columns where a row has further ones."""
    columns: dict[str, set[str]] = {}
    for row, column, _ in places:
        columns.setdefault(row, set()).add(column)
    named: dict[str, dict[str, None]] = {}
    for row, column, _ in some:
        named.setdefault(row, {})[column] = None
    return ", ".join(
        row if columns[row] == set(some_columns) else f"{row}: {' and '.join(some_columns)}"
        for row, some_columns in named.items()
    )
