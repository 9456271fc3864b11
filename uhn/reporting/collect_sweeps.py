"""Reading what a table or figure of sweeps needs: the decisions of their stages and what the paper prints of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from uhn.paths import config_dir
from uhn.reporting.reference import HYPERPARAMETERS, Key, Reference
from uhn.sweeps.files import read_decided
from uhn.sweeps.grids import Hyperparameters, SweepConfig
from uhn.sweeps.load import load_sweep
from uhn.sweeps.ranking import Ranked
from uhn.sweeps.selection import Selection


@dataclass(frozen=True)
class PrintedSearch:
    """What the paper prints of a search.

    Attributes:
        table: number of the table with its choice; None where the paper has no such search.
        choice: the selected hyperparameters; None where unknown.
        grids: hyperparameter -> values, of which there are none where the public text of the paper lost them.
    """

    table: int | None = None
    choice: Hyperparameters | None = None
    grids: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class DecidedSweep:
    """A sweep with what its stages have decided so far and what the paper prints of it.

    Attributes:
        config: the sweep as it ran.
        full: the same sweep without a scale's reduction.
        selections: of its stages, in order; empty if it was not run.
        printed: the paper's grids and choice.
    """

    config: SweepConfig
    full: SweepConfig
    selections: Sequence[Selection] = ()
    printed: PrintedSearch = PrintedSearch()

    @property
    def finished(self) -> bool:
        """Whether the last stage is decided."""
        return bool(self.selections) and self.selections[-1].stage == self.config.stages[-1]

    @property
    def winner(self) -> Hyperparameters | None:
        """Our choice; None unless all stages are decided."""
        return self.selections[-1].winner if self.finished else None

    @property
    def best(self) -> Ranked | None:
        """The candidate that won and its ranks; None unless all stages are decided."""
        return self.selections[-1].ranking[0] if self.finished else None

    @property
    def search(self) -> Selection | None:
        """The selection that ranks all candidates, before the best three get more seeds; None if undecided."""
        stage = self.config.last_search_stage
        return next((selection for selection in self.selections if selection.stage == stage), None)


def collect_sweeps(
    names: Sequence[str],
    folder: Path,
    scale: str,
    references: Mapping[Key, Reference],
    config: Path | None = None,
) -> list[DecidedSweep]:
    """Read what sweeps have decided so far.

    Args:
        names: the sweeps, in table order.
        folder: of all sweeps of the scale.
        scale: name of the scale.
        references: the printed numbers.
        config: the configuration folder; :func:`uhn.paths.config_dir` if None.

    Raises:
        UserError: there is no such sweep, or a file of its configuration or of a decision is wrong.
    """
    path = (config or config_dir()) / "sweeps.yaml"
    sweeps = [(load_sweep(name, scale, path), load_sweep(name, "paper", path)) for name in names]
    return [
        DecidedSweep(sweep, full, read_decided(folder, sweep, scale), printed_search(sweep, references))
        for sweep, full in sweeps
    ]


def printed_search(sweep: SweepConfig, references: Mapping[Key, Reference]) -> PrintedSearch:
    """Return what the paper prints of a sweep; rows of its tables are settings, columns variants."""
    printed, tables = {}, {}
    for (table, row, column, quantity), reference in references.items():
        if (row, column) == (sweep.setting, sweep.variant):
            printed[quantity], tables[quantity] = reference, table
    names = searched(sweep)
    values = {name: printed[name].mean for name in names if name in printed}
    known = len(values) == len(names) and None not in values.values()
    return PrintedSearch(
        table=tables.get(names[0]),
        choice=Hyperparameters(**{name: _exact(value) for name, value in values.items()}) if known else None,
        grids={name: printed[f"{name}_grid"].grid for name in names if f"{name}_grid" in printed},
    )


def searched(sweep: SweepConfig) -> tuple[str, ...]:
    """Return the hyperparameters that a sweep searches, in the order of the paper's tables."""
    return HYPERPARAMETERS if sweep.four_stage else HYPERPARAMETERS[2:]


def _exact(value: float) -> float | int:
    return int(value) if value.is_integer() else value
