"""What a table of sweeps says about itself: scale, values, which of them ran, seeds, how the best were found."""

from __future__ import annotations

from collections.abc import Sequence

from uhn.reporting.collect_sweeps import DecidedSweep
from uhn.reporting.sentences import sentence
from uhn.reporting.table_definitions import SweepTable

NAMED = 5  # unfinished sweeps that are named; more are only counted


def sweep_caption(table: SweepTable, sweeps: Sequence[DecidedSweep], about_scale: str) -> list[str]:
    """Compose the caption, one sentence or two per entry, without the title; ``about_scale`` comes first."""
    sentences = [
        about_scale,
        "Budgets and steps are the paper's, before the scale shortens them.",
        *map(sentence, table.notes),
    ]
    if any(sweep.config != sweep.full for sweep in sweeps):
        sentences.append("The searches of this scale are reduced: fewer values per grid, fewer seeds, no guardrails.")
    if any(not values for sweep in sweeps for values in sweep.printed.grids.values()):
        sentences.append("The public text of the paper lost these grids: they are ours.")
    unfinished = [sweep.config.name for sweep in sweeps if not sweep.finished]
    if unfinished:
        named = f": {', '.join(unfinished)}" if len(unfinished) <= NAMED else ""
        sentences.append(f"{len(unfinished)} of {len(sweeps)} sweeps were not run to the end{named}.")
    if table.kind in ("sweep_choices", "sweep_grids_and_choices") and len(unfinished) < len(sweeps):
        sentences.append(
            "Validation: mean ± population std over the pooled seeds of the winner. Place: of the paper's choice among "
            "all candidates of our search before the best three get more seeds."
        )
    return sentences
