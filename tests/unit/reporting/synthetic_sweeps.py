"""A sweep run to its end, and another one that was not run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sweep_cases import SMALL, four_stages

from uhn.paths import selection_file
from uhn.reporting.collect_sweeps import DecidedSweep, PrintedSearch
from uhn.reporting.reference import HYPERPARAMETERS
from uhn.reporting.table_definitions import SweepTable
from uhn.sweeps.files import selection_files
from uhn.sweeps.grids import Hyperparameters, SweepConfig
from uhn.sweeps.selection import Sources, read_selection, write_selection

WINNER = Hyperparameters(0.2, 20, 0.3, 6)
SECOND = Hyperparameters(0.2, 10, 0.3, 6)
OTHER = replace(SMALL, name="other", setting="other")


def small_selections(folder: Path):
    """Decide all stages of the small sweep and read them back from their files; the slot stage2/i0_j0 diverged."""
    made = four_stages(
        SMALL,
        {"i0_j0": 0.5, "i1_j0": 0.6},
        {"i0_j1": 0.9, "i1_j0": 0.8, "i1_j1": 0.1},
        {"i0_j0": 0.65, "i0_j1": 0.85, "i1_j1": 0.95},
        {"r0": [0.9, 0.85], "r1": 0.7, "r2": 0.7},
        fail=[("i0_j0", 1)],
    )
    # the failure above also hits stage 1, where lr 0.2 wins anyway, and stage 3
    for selection in made:
        path = selection_file(folder / "sweeps", SMALL.name, selection.stage)
        write_selection(path, selection, Sources(SMALL.digest, "0" * 64, None))
    return [read_selection(path, SMALL, "paper") for path in selection_files(folder / "sweeps", SMALL)]


def printed(sweep: SweepConfig, choice: Hyperparameters | None = WINNER) -> PrintedSearch:
    """Return a printed search with the sweep's grids."""
    return PrintedSearch(13, choice, {name: getattr(sweep, name) for name in HYPERPARAMETERS})


def decided(selections, choice=WINNER, full=SMALL) -> list[DecidedSweep]:
    """Return the small sweep and one that was not run, whose printed choice is unknown."""
    return [
        DecidedSweep(SMALL, full, selections, printed(full, choice)),
        DecidedSweep(OTHER, OTHER, (), printed(OTHER, None)),
    ]


def sweep_table(kind: str, number: int = 13) -> SweepTable:
    """Return a table of both."""
    return SweepTable(name=f"table_{number}", number=number, title="Sweeps", kind=kind, sweeps=("small", "other"))
