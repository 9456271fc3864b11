"""Writing one table as ``<name>.csv``, ``.md`` and ``.tex``: definition -> long frame -> grid -> markup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from uhn.reporting.collect import Pair, Run, collect, mixture_warnings
from uhn.reporting.collect_sweeps import DecidedSweep, collect_sweeps
from uhn.reporting.document import Document
from uhn.reporting.latex import to_latex
from uhn.reporting.made_from import sweeps_digest, table_digest
from uhn.reporting.markdown import to_markdown
from uhn.reporting.part_of_table import part_of_table
from uhn.reporting.published import Published, to_csv, write_files
from uhn.reporting.reference import Key, Reference, load_reference
from uhn.reporting.result_caption import result_caption
from uhn.reporting.result_frame import build_result_frame, params_warnings
from uhn.reporting.result_layout import lay_out_results
from uhn.reporting.sentences import scale_sentence
from uhn.reporting.sweep_caption import sweep_caption
from uhn.reporting.sweep_frame import build_sweep_frame
from uhn.reporting.sweep_layout import lay_out_sweeps
from uhn.reporting.table_definitions import ResultTable, SweepTable, load_table
from uhn.reporting.verdict import Margin, is_comparable, load_margins
from uhn.sweeps.expected import Expectation


def publish_table(
    name: int | str,
    folder: Path,
    out: Path,
    scale: str,
    scale_label: str,
    seeds: Mapping[Pair, Sequence[int]] | None = None,
    config: Path | None = None,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    stem: str | None = None,
    expected: Expectation | None = None,
    allow_mixed: bool = False,
) -> Published:
    """Write a table from the files of runs or sweeps.

    Args:
        name: the table's number in the paper, or its name.
        folder: where the runs lie, or for a table of sweeps the sweeps.
        out: the folder to write to.
        scale: name of the scale of the runs or sweeps.
        scale_label: what captions say about that scale.
        seeds: the seeds to use of each (setting, variant); None uses every seed folder there is.
        config: the configuration folder; :func:`uhn.paths.config_dir` if None.
        rows, columns: ids of the rows (names of the sweeps) and columns to show; all if empty.
        stem: name of the files; the table's own if None.
        expected, allow_mixed: see :func:`uhn.reporting.collect.collect`.

    Raises:
        UserError: a definition, reference or file of a run or sweep is missing or wrong; nothing is written then.
    """
    table = part_of_table(load_table(name, config), rows, columns)
    references, about_scale = load_reference(config), scale_sentence(scale, scale_label)
    comparable = is_comparable(scale, config)
    if isinstance(table, SweepTable):
        sweeps = collect_sweeps(table.sweeps, folder, scale, references, config)
        document = sweep_document(table, sweeps, about_scale, comparable)
        digest = sweeps_digest(table, sweeps, folder, about_scale, comparable, config)
    else:
        results = collect(table.runs, folder, scale, seeds, expected, allow_mixed)
        margins = load_margins(config) if comparable else None
        document = result_document(table, results, references, about_scale, margins)
        paths = [run.path for runs in results.values() for run in runs]
        digest = table_digest(table, paths, about_scale, comparable, config)
    return write_table(document, digest, out, stem or table.name)


def publish_sweep(sweep: DecidedSweep, folder: Path, out: Path, scale: str, scale_label: str) -> Published:
    """Write ``selection.csv``, ``.md`` and ``.tex``: the grids and choices of one of the sweeps in a folder."""
    table, about_scale, comparable = selection_table(sweep), scale_sentence(scale, scale_label), is_comparable(scale)
    digest = sweeps_digest(table, [sweep], folder, about_scale, comparable)
    return write_table(sweep_document(table, [sweep], about_scale, comparable), digest, out, table.name)


def selection_table(sweep: DecidedSweep) -> SweepTable:
    """Return the table of the grids and choices of one sweep."""
    return SweepTable(
        name="selection",
        number=sweep.printed.table,
        title=f"Sweep {sweep.config.name}: grids and selected hyperparameters",
        kind="sweep_grids_and_choices",
        sweeps=(sweep.config.name,),
    )


def result_document(
    table: ResultTable,
    results: Mapping[Pair, Sequence[Run]],
    references: Mapping[Key, Reference],
    about_scale: str,
    margins: Mapping[str, Margin] | None,
) -> Document:
    """Compose a table of run results; the caption begins with ``about_scale``, verdicts need ``margins``.

    Raises:
        UserError: a metric or a printed number is missing, or the seeds of a cell differ in size.
    """
    frame = build_result_frame(table, results, references, margins)
    warnings = mixture_warnings(results) + params_warnings(frame, references)
    caption = result_caption(table, frame, results, about_scale, warnings)
    return Document(table.number, table.title, caption, lay_out_results(table, frame), frame, warnings)


def sweep_document(table: SweepTable, sweeps: Sequence[DecidedSweep], about_scale: str, comparable: bool) -> Document:
    """Compose a table of the given sweeps; the caption begins with ``about_scale``.

    Args:
        table: the definition.
        sweeps: its sweeps.
        about_scale: what the scale is.
        comparable: whether choices may be held against the paper's.
    """
    frame = build_sweep_frame(table, sweeps, comparable)
    caption = sweep_caption(table, sweeps, about_scale)
    return Document(table.number, table.title, caption, lay_out_sweeps(table, frame), frame)


def write_table(document: Document, digest: str, out: Path, stem: str) -> Published:
    """Write ``<stem>.csv``, ``.md`` and ``.tex`` into a folder; the last two end with what they were made from."""
    contents = {
        "csv": to_csv(document.frame),
        "md": f"{to_markdown(document)}\n<!-- made from {digest} -->\n".encode(),
        "tex": f"{to_latex(document)}% made from {digest}\n".encode(),
    }
    return Published(write_files(out, stem, contents), document.warnings)
