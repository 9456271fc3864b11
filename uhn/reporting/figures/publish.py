"""Writing one figure: ``<name>.pdf``, ``.png`` and, with every number in it, ``.csv``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from uhn.files import write_bytes
from uhn.reporting.collect import Pair, Run, collect, version_warnings
from uhn.reporting.definitions import load_table
from uhn.reporting.figures.definitions import FigureDefinition, load_figure
from uhn.reporting.figures.drawing import Drawing
from uhn.reporting.figures.style import add_footer, styled, to_bytes
from uhn.reporting.publish import Published
from uhn.reporting.reference import load_reference
from uhn.reporting.sentences import (
    data_sentences,
    failure_sentence,
    scale_sentence,
    seeds_text,
    sentence,
    version_sentence,
)


def publish_figure(
    name: str,
    runs: Path,
    out: Path,
    scale: str,
    scale_label: str,
    seeds: Mapping[Pair, Sequence[int]] | None = None,
    config: Path | None = None,
    rows: Sequence[str] = (),
    stem: str | None = None,
) -> Published:
    """Write a figure from result files.

    Args:
        name: the figure's name, or its number in the paper.
        runs: the folder of the runs.
        out: the folder to write to.
        scale: name of the scale of the runs.
        scale_label: what captions say about that scale.
        seeds: the seeds to use of each (setting, variant); None uses every seed folder there is.
        config: the configuration folder; :func:`uhn.paths.config_dir` if None.
        rows: ids of the series to show; all if empty.
        stem: name of the files, the figure's own if None.

    Raises:
        UserError: a definition or a file of a run is missing or wrong; nothing is written then.
    """
    definition = load_figure(name, config).part(rows)
    results = collect(definition.runs, runs, scale, seeds)
    all_runs = [run for group in results.values() for run in group]
    warnings = version_warnings(all_runs, "figure")
    with styled():
        drawing = _draw(definition, results, config)
        words = caption(definition, results, drawing.remarks, scale, scale_label, warnings)
        add_footer(drawing.figure, " ".join(words))
        contents = {ending: to_bytes(drawing.figure, ending) for ending in ("pdf", "png")}
    contents["csv"] = drawing.frame.to_csv(index=False, lineterminator="\n").encode()
    paths = [out / f"{stem or definition.name}.{ending}" for ending in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        write_bytes(path, content)
    return Published(paths, warnings)


def caption(
    definition: FigureDefinition,
    results: Mapping[Pair, Sequence[Run]],
    remarks: Sequence[str],
    scale: str,
    scale_label: str,
    warnings: Sequence[str] = (),
) -> list[str]:
    """Compose the caption, one sentence or two per entry.

    Args:
        definition: the figure.
        results: the runs of each (setting, variant) of the figure.
        remarks: sentences that explain the marks.
        scale: name of the scale.
        scale_label: what its configuration says about it.
        warnings: sentences to end with.
    """
    runs = [run for group in results.values() for run in group]
    labels = {series.pair: series.label for series in definition.series}
    places = [
        (labels.get(pair, pair[0]), "" if pair in labels else pair[1], run)
        for pair, group in results.items()
        for run in group
    ]
    return [
        sentence(definition.heading),
        scale_sentence(scale, scale_label),
        *data_sentences(places),
        *map(sentence, [*remarks, *definition.notes]),
        f"Seeds: {seeds_text(runs)}.",
        failure_sentence(runs, "not drawn"),
        version_sentence(runs),
        *(f"Warning: {warning}" for warning in warnings),
    ]


def _draw(definition: FigureDefinition, results: Mapping[Pair, Sequence[Run]], config: Path | None) -> Drawing:
    """Call the module that the figure's kind is named after."""
    kind = import_module(f"uhn.reporting.figures.{definition.kind}")
    if definition.table:
        return kind.draw(load_table(definition.table, config), results, load_reference(config))
    return kind.draw(definition, results)
