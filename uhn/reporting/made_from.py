"""What tables and figures were made from, as a digest that is written into them.

A table or figure is up to date while this digest is the one of what it would be made from now: results, definitions,
the paper's numbers, what its caption says of the scale, and the code of reporting. Times of files say nothing.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from uhn.errors import UserError
from uhn.files import parse_json, sha256_of
from uhn.paths import PACKAGE, config_dir
from uhn.reporting.collect_sweeps import DecidedSweep
from uhn.reporting.figure_definitions import FigureDefinition
from uhn.reporting.table_definitions import ResultTable, SweepTable
from uhn.sweeps.files import selection_files

TABLE_CODE, FIGURE_CODE = "*.py", "**/*.py"
LAST_LINE = re.compile(r"(?:<!-- made from ([0-9a-f]{64}) -->|% made from ([0-9a-f]{64}))\n\Z")


def table_digest(
    table: ResultTable, results: Iterable[Path], about_scale: str, comparable: bool, config: Path | None = None
) -> str:
    """Return the digest of a table of run results, or of a part of it.

    Args:
        table: what is shown.
        results: the result.json of its runs, in table order.
        about_scale: the caption's sentence about the scale.
        comparable: whether numbers may be held against the paper's.
        config: the configuration folder; :func:`uhn.paths.config_dir` if None.

    Raises:
        UserError: a file is missing.
    """
    shown = [table.name, about_scale, comparable, list(table.rows), list(table.columns)]
    verdicts = ["verdicts.yaml"] if comparable else []
    return _digest(TABLE_CODE, shown, _definitions(config, f"tables/{table.name}.yaml", *verdicts), results)


def sweeps_digest(
    table: SweepTable,
    sweeps: Sequence[DecidedSweep],
    folder: Path,
    about_scale: str,
    comparable: bool,
    config: Path | None = None,
) -> str:
    """Return the digest of a table of sweeps; ``folder`` is that of all sweeps. See :func:`table_digest`."""
    shown = [table.name, about_scale, comparable, [[sweep.config.digest, sweep.full.digest] for sweep in sweeps]]
    definition = (config or config_dir()) / "tables" / f"{table.name}.yaml"
    files = _definitions(config, *([f"tables/{table.name}.yaml"] if definition.is_file() else []))
    decisions = [path for sweep in sweeps for path in selection_files(folder, sweep.config)[: len(sweep.selections)]]
    return _digest(FIGURE_CODE, shown, files, decisions)


def figure_digest(
    figure: FigureDefinition, folders: Iterable[Path], about_scale: str, config: Path | None = None
) -> str:
    """Return the digest of a figure.

    Args:
        figure: what is shown.
        folders: of its runs, in the figure's order.
        about_scale, config: as of :func:`table_digest`.

    Raises:
        UserError: a file is missing.
    """
    shown = [figure.name, about_scale, [series.id for series in figure.series]]
    of_table = [f"tables/table_{figure.table:02d}.yaml"] if figure.table else []
    definitions = _definitions(config, f"figures/{figure.name}.yaml", *of_table)
    return _digest(FIGURE_CODE, shown, definitions, [folder / name for folder in folders for name in figure.files])


def read_made_from(path: Path) -> str | None:
    """Return the digest that a .md, .tex or the .json of a figure was made from; None if it says none."""
    try:
        if path.suffix == ".json":
            return read_sidecar(path).get("made_from")
        match = LAST_LINE.search(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return match and (match[1] or match[2])


def read_sidecar(path: Path) -> dict[str, str]:
    """Return what the .json beside a figure says; empty where there is none.

    Raises:
        ValueError: it is no JSON object.
    """
    content = parse_json(path.read_bytes()) if path.is_file() else {}
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected an object")
    return content


def sidecar(digest: str, contents: Mapping[str, bytes]) -> bytes:
    """Return the content of the .json beside a figure: what it was made from, and the checksums of its files."""
    sums = {f"{ending}_sha256": hashlib.sha256(content).hexdigest() for ending, content in contents.items()}
    return (json.dumps({"made_from": digest} | sums, indent=2) + "\n").encode()


def _digest(code: str, shown: Sequence[object], definitions: Iterable[Path], made_from: Iterable[Path]) -> str:
    parts = [_code_digest(code), shown, list(map(_text_sha256, definitions)), list(map(sha256_of, made_from))]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _definitions(config: Path | None, *names: str) -> list[Path]:
    folder = config or config_dir()
    return [*(folder / name for name in names), folder / "paper.csv"]


@cache
def _code_digest(pattern: str) -> str:
    """Return the digest over the modules that make tables, or figures."""
    folder = PACKAGE / "reporting"
    files = sorted(folder.glob(pattern))
    named = [[file.relative_to(folder).as_posix(), _text_sha256(file)] for file in files]
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()


def _text_sha256(path: Path) -> str:
    """Return the checksum of a text, whatever its line ends."""
    try:
        return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); restore it from the repository") from None
