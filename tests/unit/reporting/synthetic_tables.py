"""Synthetic results for every cell of the tables of the paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthetic_results import record, write

from uhn.reporting.table_definitions import result_tables

SEEDS = (21962, 59358)  # the first two of the paper
FAMILY = {
    "run": {"members": 10, "mean_params": 24_321.5, "max_params": 31_000},
    "paper": {"members": 100, "mean_params": 366_995.6, "max_params": 463_018},
}


def write_all(runs: Path, **changes: Any) -> None:
    """Write results of two seeds for all runs of all tables; runs without initialisation diverge in recursion.

    Accuracies are 0.90 and 0.92 with seen models, 0.03 less with unseen ones; RMSEs 0.010 and 0.012.
    """
    cells = [cell for table in result_tables().values() for cell in table.cells]
    for setting, variant in dict.fromkeys(pair for cell in cells for pair in cell.pairs):
        own = [cell for cell in cells if (setting, variant) in cell.pairs]
        names = {name for cell in own for name in (cell.metric, cell.minus) if name}
        diverged = setting.startswith("recursion") and variant == "uhn_no_init"
        for k, seed in enumerate(SEEDS):
            data = record(setting, variant, seed, None if diverged else 0.0, **changes)
            if not diverged:
                data["metrics"] = {name: value(name, k) for name in names}
            if any("/seen/" in name for name in names):
                data["family"] = FAMILY
            write(runs, data)


def value(metric: str, k: int) -> float:
    """A metric of the k-th seed."""
    if metric.endswith("rmse"):
        return 0.010 + 0.002 * k
    return 0.90 + 0.02 * k - (0.03 if "/unseen/" in metric else 0.0)
