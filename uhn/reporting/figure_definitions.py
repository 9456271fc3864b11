"""The figure definitions of ``config/figures/``: which runs a figure shows.

The DAG imports this module to know what a figure needs, so it imports nothing heavy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from uhn.configuration.yaml_files import read_yaml
from uhn.errors import UserError
from uhn.paths import config_dir
from uhn.reporting.table_definitions import needed_runs
from uhn.runs.folder import KERNEL, METRICS, RESULT

# What a kind reads of every run beside result.json.
FURTHER_FILES = {"curves": METRICS, "levels": METRICS, "kernels": KERNEL}


@dataclass(frozen=True)
class Series:
    """The runs of one panel or line, all seeds together."""

    id: str
    label: str
    setting: str
    variant: str

    @property
    def pair(self) -> tuple[str, str]:
        """The (setting, variant) of the runs."""
        return self.setting, self.variant


@dataclass(frozen=True)
class FigureDefinition:
    """A figure: ``series``, or for ``growth`` the number of a ``table``, say what it shows."""

    name: str
    kind: str
    title: str
    notes: tuple[str, ...]
    series: tuple[Series, ...]
    table: int | None
    first_epochs: int | None
    runs: tuple[tuple[str, str], ...]

    @property
    def heading(self) -> str:
        """The title, after the number that the figure has in the paper if it is one of the paper's."""
        number = self.name.removeprefix("figure_")
        return f"Figure {number}. {self.title}" if number.isdigit() else self.title

    def part(self, ids: Sequence[str]) -> FigureDefinition:
        """Return the figure of some of its series.

        Args:
            ids: of the series, all of them if there are none.

        Raises:
            UserError: there is no such series, or the figure has none.
        """
        known = [series.id for series in self.series]
        if unknown := [name for name in ids if name not in known]:
            expected = f"expected one of {', '.join(known)}" if known else "it has none to choose from"
            raise UserError(f"{self.name}: has no series '{unknown[0]}'; {expected}")
        if not ids or set(ids) == set(known):
            return self
        series = tuple(entry for entry in self.series if entry.id in ids)
        note = f"A part of the figure, {len(series)} of {len(known)} series: the other runs were not made"
        runs = tuple(dict.fromkeys(entry.pair for entry in series))
        return replace(self, series=series, runs=runs, notes=(note, *self.notes))

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files that are read of every run."""
        further = FURTHER_FILES.get(self.kind)
        return (RESULT, further) if further else (RESULT,)


def figure_names(config: Path | None = None) -> list[str]:
    """List the figures that have a definition."""
    return sorted(path.stem for path in _folder(config).glob("*.yaml"))


def ready_figures(config: Path | None = None) -> list[str]:
    """List the figures whose settings all have an experiment file."""
    settings = {path.stem for path in ((config or config_dir()) / "experiments").glob("*.yaml")}
    return [name for name in figure_names(config) if {s for s, _ in load_figure(name, config).runs} <= settings]


def load_figure(name: str, config: Path | None = None) -> FigureDefinition:
    """Read ``config/figures/<name>.yaml``.

    Args:
        name: the figure's name; a number stands for the figure of the paper.
        config: the configuration folder; :func:`uhn.paths.config_dir` if None.

    Raises:
        UserError: there is no such figure, or its file is malformed.
    """
    name = f"figure_{name}" if name.isdigit() else name
    path = _folder(config) / f"{name}.yaml"
    if name not in figure_names(config):
        known = ", ".join(figure_names(config)) or "none"
        raise UserError(f"figure {name}: no definition {path}; figures with one: {known}")
    data = read_yaml(path, "figure")
    series = tuple(Series(**entry) for entry in data.get("series", ()))
    for id_, times in Counter(entry.id for entry in series).items():
        if times > 1:
            raise UserError(f"{path}: series: id {id_!r} occurs {times} times; ids are unique")
    table = data.get("table")
    pairs = needed_runs(table, config) if table else dict.fromkeys(entry.pair for entry in series)
    return FigureDefinition(
        name=name,
        kind=data["kind"],
        title=data["title"],
        notes=tuple(data.get("notes", ())),
        series=series,
        table=table,
        first_epochs=data.get("first_epochs"),
        runs=tuple(pairs),
    )


def _folder(config: Path | None) -> Path:
    return (config or config_dir()) / "figures"
