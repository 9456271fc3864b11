"""The printed tables of sweeps."""

from dataclasses import replace

from sweep_cases import GRID, SMALL, run_stage
from synthetic_sweeps import SECOND, decided, sweep_table

from uhn.reporting.collect_sweeps import DecidedSweep, PrintedSearch
from uhn.reporting.markdown import to_markdown
from uhn.reporting.publish_table import sweep_document
from uhn.sweeps.grids import Metric


def markdown(kind, sweeps, comparable=True):
    return to_markdown(sweep_document(sweep_table(kind), sweeps, "About the scale.", comparable))


def own_sweep():
    """A sweep of grids that the paper does not have in its public text."""
    first = run_stage(GRID, 1, {"i0_j0": 0.1, "i0_j1": 0.2, "i1_j0": 0.3, "i1_j1": 0.4})
    last = run_stage(GRID, 4, {"r0": 0.4, "r1": 0.3, "r2": 0.2}, first)
    return DecidedSweep(GRID, GRID, [first, last], PrintedSearch(16, None, {"train_lr": (), "train_budget": ()}))


def test_grids(selections):
    text = markdown("sweep_grids", decided(selections))
    assert text.startswith("**Table 13. Sweeps.**\n")
    assert "| Sweep | pioneer budget | init lr | init steps | train lr | train budget | grid |" in text
    assert "| small | 10 epochs | 0.3, 0.4 | 5, 6 | 0.1, 0.2 | 10, 20 | published |" in text
    assert "ours" not in text


def test_grids_that_a_scale_reduces(selections):
    full = replace(SMALL, train_lr=(0.1, 0.2, 0.5))
    assert "| 0.1, 0.2 of 0.1, 0.2, 0.5 |" in markdown("sweep_grids", decided(selections, full=full))


def test_choices(selections):
    assert markdown("sweep_choices", decided(selections, SECOND)).endswith(
        "| Sweep | init lr | init steps | train lr | train budget | validation | place |\n"
        "| :-- | --: | --: | --: | --: | --: | --: |\n"
        "| small | **0.3** | **6** | **0.2** | 20 <sub>(paper 10)</sub> | 0.900 ± 0.041 | 2 of 9 |\n"
        f"| other |{4 * ' not run <sub>(paper unknown)</sub> |'} - | - |\n"
    )


def test_choices_at_a_scale_of_its_own_do_not_agree_with_the_paper(selections):
    text = markdown("sweep_choices", decided(selections, SECOND), comparable=False)
    assert "| small | 0.3 <sub>(paper 0.3)</sub> | 6 <sub>(paper 6)</sub> | 0.2 <sub>(paper 0.2)</sub> |" in text


def test_grids_and_choices_of_our_own():
    text = markdown("sweep_grids_and_choices", [own_sweep()])
    assert "| grid | train lr | 0.1, 0.2 | ours | 0.2 <sub>(paper unknown)</sub> | 0.4000 ± 0.0000 | - |" in text
    assert "|  | train budget (epochs) | 10, 20 | ours | 20 <sub>(paper unknown)</sub> |  |  |" in text
    assert "init" not in text.split("\n\n")[-1]


def test_searches_with_and_without_an_initialisation_in_one_table(selections):
    sweeps = [decided(selections)[0], own_sweep()]
    assert "| grid | - | - | - | 0.1, 0.2 | 10, 20 | ours |" in markdown("sweep_grids", sweeps)
    expected = "| grid | - | - | 0.2 <sub>(paper unknown)</sub> | 20 <sub>(paper unknown)</sub> | 0.4000 ± 0.0000 | - |"
    assert expected in markdown("sweep_choices", sweeps)


def test_guardrails(selections):
    full = replace(SMALL, metrics=(Metric("validation/accuracy", 0.95),))
    text = markdown("guardrails", decided(selections, full=full))
    assert "| small | validation/accuracy | \\>= 0.95 | no | 0.900 ± 0.041 | no |" in text
    assert "other" not in text.split("\n\n")[-1]
