"""What a table of sweeps says about itself, in at most three sentences; docs/reading_tables.md says the rest."""

from __future__ import annotations

from collections.abc import Sequence

from uhn.reporting.collect_sweeps import DecidedSweep
from uhn.reporting.sentences import closing, sentence
from uhn.reporting.table_definitions import SweepTable

NAMED = 5  # unfinished sweeps that are named; more are only counted


def sweep_caption(table: SweepTable, sweeps: Sequence[DecidedSweep], about_scale: str) -> list[str]:
    """Compose the caption, without the title: scale; searches that did not end; notes."""
    reduced = any(sweep.config != sweep.full for sweep in sweeps)
    lost = any(not values for sweep in sweeps for values in sweep.printed.grids.values())
    remarks = [*table.notes, *(["the public text of the paper lost these grids: they are ours"] if lost else [])]
    of_searches = "; searches reduced: fewer values per grid, fewer seeds, no guardrails" if reduced else ""
    return [sentence(about_scale.rstrip(".") + of_searches), *_unfinished(sweeps), *closing([], remarks)]


def _unfinished(sweeps: Sequence[DecidedSweep]) -> list[str]:
    names = [sweep.config.name for sweep in sweeps if not sweep.finished]
    if not names:
        return []
    named = f": {', '.join(names)}" if len(names) <= NAMED else ""
    return [f"{len(names)} of {len(sweeps)} sweeps were not run to the end{named}."]
