"""Writing one figure as ``<name>.pdf``, ``.png`` and, with every number in it, ``.csv``; beside it ``.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from uhn.reporting.collect import Pair, Run, collect, mixture_warnings
from uhn.reporting.collect_sweeps import DecidedSweep
from uhn.reporting.figure_definitions import FigureDefinition, load_figure
from uhn.reporting.figures import stages
from uhn.reporting.figures.drawing import Drawing
from uhn.reporting.figures.style import add_footer, styled, to_bytes
from uhn.reporting.made_from import figure_digest, sidecar, sweeps_digest
from uhn.reporting.publish_table import selection_table
from uhn.reporting.published import Published, to_csv, write_files
from uhn.reporting.reference import load_reference
from uhn.reporting.sentences import (
    about_data,
    about_failures,
    about_versions,
    closing,
    scale_sentence,
    seeds_text,
    sentence,
)
from uhn.reporting.table_definitions import load_table
from uhn.reporting.verdict import is_comparable
from uhn.sweeps.expected import Expectation


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
    expected: Expectation | None = None,
    allow_mixed: bool = False,
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
        expected, allow_mixed: see :func:`uhn.reporting.collect.collect`.

    Raises:
        UserError: a definition or a file of a run is missing or wrong; nothing is written then.
    """
    definition = load_figure(name, config).part(rows)
    results = collect(definition.runs, runs, scale, seeds, expected, allow_mixed)
    about_scale = scale_sentence(scale, scale_label)
    warnings = mixture_warnings(results, "figure")
    with styled():
        drawing = _draw(definition, results, config)
        caption = figure_caption(definition, results, drawing.remarks, about_scale, warnings)
        folders = [run.path.parent for runs_of_pair in results.values() for run in runs_of_pair]
        digest = figure_digest(definition, folders, about_scale, config)
        return Published(_write(drawing, caption, digest, out, stem or definition.name), warnings)


def publish_stages(sweep: DecidedSweep, folder: Path, out: Path, scale: str, scale_label: str) -> Published:
    """Write ``stages.pdf``, ``.png``, ``.csv`` and ``.json``: every candidate of a sweep in a folder, stage by stage.

    Raises:
        UserError: the sweep has not been run up to the end of its search; nothing is written then.
    """
    with styled():
        drawing = stages.draw(sweep)
        about_scale = scale_sentence(scale, scale_label)
        caption = [f"Sweep {sweep.config.name}, stage by stage.", about_scale, *closing([], drawing.remarks)]
        digest = sweeps_digest(selection_table(sweep), [sweep], folder, about_scale, is_comparable(scale))
        return Published(_write(drawing, caption, digest, out, "stages"), [])


def figure_caption(
    definition: FigureDefinition,
    results: Mapping[Pair, Sequence[Run]],
    remarks: Sequence[str],
    about_scale: str,
    warnings: Sequence[str] = (),
) -> list[str]:
    """Compose the caption: the title; scale and data; seeds, failures and versions; warnings, marks and notes.

    Args:
        definition: the figure.
        results: the runs of each (setting, variant) of the figure.
        remarks: what explains the marks.
        about_scale: what the scale is.
        warnings: sentences to end with.
    """
    runs = [run for runs_of_pair in results.values() for run in runs_of_pair]
    left_out = ", not drawn" if any(run.diverged for run in runs) else ""
    return [
        sentence(definition.heading),
        sentence(f"{about_scale.rstrip('.')}; {about_data(runs)}"),
        sentence(f"{seeds_text(runs)} ({about_failures(runs)}{left_out}; {about_versions(runs)})"),
        *closing(warnings, [*remarks, *definition.notes]),
    ]


def _draw(definition: FigureDefinition, results: Mapping[Pair, Sequence[Run]], config: Path | None) -> Drawing:
    """Call the module that the figure's kind is named after."""
    kind = import_module(f"uhn.reporting.figures.{definition.kind}")
    if definition.table:
        return kind.draw(load_table(definition.table, config), results, load_reference(config))
    return kind.draw(definition, results)


def _write(drawing: Drawing, caption: Sequence[str], digest: str, out: Path, stem: str) -> list[Path]:
    """Put the caption below the panels and write the files; the .json says what they were made from."""
    add_footer(drawing.figure, " ".join(caption))
    contents = {ending: to_bytes(drawing.figure, ending) for ending in ("pdf", "png")}
    contents["csv"] = to_csv(drawing.frame)
    return write_files(out, stem, contents | {"json": sidecar(digest, contents)})
