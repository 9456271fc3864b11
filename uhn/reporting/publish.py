"""Writing one table: ``<name>.csv``, ``.md`` and ``.tex``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uhn.files import write_bytes
from uhn.reporting.caption import caption
from uhn.reporting.collect import Pair, collect, version_warnings
from uhn.reporting.definitions import load_table
from uhn.reporting.latex import to_latex
from uhn.reporting.layout import lay_out
from uhn.reporting.markdown import to_markdown
from uhn.reporting.reference import load_reference
from uhn.reporting.selection import select
from uhn.reporting.tables import build_frame, params_warnings


@dataclass(frozen=True)
class Published:
    """The files that were written and the warnings that their captions carry."""

    paths: list[Path]
    warnings: list[str]


def publish_table(
    name: int | str,
    runs: Path,
    out: Path,
    scale: str,
    scale_label: str,
    seeds: Mapping[Pair, Sequence[int]] | None = None,
    config: Path | None = None,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    stem: str | None = None,
) -> Published:
    """Write a table from result files.

    Args:
        name: the table's number in the paper, or its name.
        runs: the folder of the runs.
        out: the folder to write to.
        scale: name of the scale of the runs.
        scale_label: what captions say about that scale.
        seeds: the seeds to use of each (setting, variant); None uses every seed folder there is.
        config: the configuration folder; :func:`uhn.paths.config_dir` if None.
        rows, columns: ids of the rows and columns to show; all if empty.
        stem: name of the files; the table's own if None.

    Raises:
        UserError: a definition, reference or result file is missing or wrong; nothing is written then.
    """
    table = select(load_table(name, config), rows, columns)
    references = load_reference(config)
    results = collect(table.runs, runs, scale, seeds)
    all_runs = [run for group in results.values() for run in group]
    frame = build_frame(table, results, references)
    warnings = version_warnings(all_runs) + params_warnings(frame, references)
    grid = lay_out(table, frame)
    words = caption(table, frame, results, scale, scale_label, warnings)
    texts = {
        "csv": frame.to_csv(index=False, lineterminator="\n"),
        "md": to_markdown(table, grid, words),
        "tex": to_latex(table, grid, words),
    }
    paths = [out / f"{stem or table.name}.{ending}" for ending in texts]
    for path, text in zip(paths, texts.values(), strict=True):
        write_bytes(path, text.encode())
    return Published(paths, warnings)
