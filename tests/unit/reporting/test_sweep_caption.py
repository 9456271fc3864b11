"""What a table of sweeps says about itself."""

from dataclasses import replace

from sweep_cases import SMALL
from synthetic_sweeps import decided, sweep_table

from uhn.reporting.collect_sweeps import DecidedSweep, PrintedSearch
from uhn.reporting.sweep_caption import sweep_caption


def caption(kind, sweeps, **changes):
    return " ".join(sweep_caption(replace(sweep_table(kind), **changes), sweeps, "About the scale."))


def test_scale_and_notes_and_sweeps_that_were_not_run(selections):
    assert caption("sweep_grids", decided(selections), notes=("a part",)) == (
        "About the scale. 1 of 2 sweeps were not run to the end: other. A part."
    )
    assert "4 of 6 sweeps were not run to the end: " in caption(
        "sweep_grids", 2 * [*decided([])[:1], *decided(selections)]
    )
    many = caption("sweep_grids", 6 * decided([])[:1])
    assert many.endswith("6 of 6 sweeps were not run to the end.")


def test_a_reduced_search_says_so(selections):
    full = replace(SMALL, train_lr=(0.1, 0.2, 0.5))
    assert caption("sweep_grids", decided(selections, full=full)).startswith(
        "About the scale; searches reduced: fewer values per grid, fewer seeds, no guardrails. "
    )


def test_grids_that_the_public_text_lost():
    lost = DecidedSweep(SMALL, SMALL, printed=PrintedSearch(14, None, {"train_lr": ()}))
    assert "The public text of the paper lost these grids: they are ours." in caption("sweep_grids", [lost])
    for known in (PrintedSearch(), PrintedSearch(14, None, {"train_lr": (0.7,)})):
        assert "lost" not in caption("sweep_grids", [DecidedSweep(SMALL, SMALL, printed=known)])
