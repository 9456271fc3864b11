"""Which tables of the paper are about sweeps. Imports nothing heavy, so that the DAG can read it."""

from __future__ import annotations

from collections.abc import Mapping

from uhn.sweeps.grids import SweepConfig

GUARDRAILS = 20
TITLES = {
    12: "UHN sweep grids, one target model",
    13: "Selected hyperparameters of the UHN, one target model",
    14: "Sweep grids of direct training",
    15: "Selected hyperparameters of direct training",
    16: "Sweep grids and selected hyperparameters of HA and Chunked",
    18: "UHN sweep grids, model families",
    19: "Selected hyperparameters of the UHN, model families",
    GUARDRAILS: "Guardrails of the multi-task sweep on validation metrics",
    21: "Multi-task sweep and selection",
    22: "Recursive sweep (K = 1) and selection",
}


def sweeps_of_table(number: int, sweeps: Mapping[str, SweepConfig]) -> list[SweepConfig]:
    """Return the sweeps that a table is about; a scale may have switched the guardrails of Table 20 off."""
    wanted = {GUARDRAILS: 21}.get(number, number)
    return [sweep for sweep in sweeps.values() if wanted in (sweep.grid_table, sweep.selected_table)]
