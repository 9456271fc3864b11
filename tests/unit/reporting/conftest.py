"""Fixtures: a small table with its references, runs for it, and a small sweep."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_results import record, write
from synthetic_sweeps import small_selections

TABLE = """\
number: 7
title: A table of 100% synthetic_runs & more
labels: [Function, Model]
columns:
  - {id: direct, label: Direct, variant: direct, metric: test/rmse}
  - {id: uhn, label: UHN, variant: uhn, metric: test/rmse}
rows:
  - {id: kan_kv, labels: [kv_1, KAN-g5], setting: kan_kv}
  - {id: kan_jv, labels: [jv, KAN-g10], setting: kan_jv}
"""

PAPER = """\
table,row,column,quantity,mean,std,n_seeds,source,confidence
7,kan_kv,direct,metric,0.0211,,3,digest,medium
7,kan_kv,direct,params,254,,,paper_text,high
7,kan_kv,uhn,metric,0.0104,0.0010,3,digest,medium
7,kan_jv,direct,metric,,,3,,unknown
7,kan_jv,uhn,metric,,,3,,unknown
"""

VERDICTS = "accuracy: {difference: 0.005, paper_stds: 2.0}\nrmse: {ratio: 1.25}\n"

# (setting, variant) -> RMSE of seeds 1, 2, 3; None is a diverged run
VALUES: dict[tuple[str, str], tuple[float | None, ...]] = {
    ("kan_kv", "direct"): (0.030, 0.031, 0.032),
    ("kan_kv", "uhn"): (0.0100, 0.0110, 0.0120),
    ("kan_jv", "direct"): (None, None, None),
    ("kan_jv", "uhn"): (0.00012, None, 0.00014),
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration folder with table 7, its references and margins, and two scales."""
    folder = tmp_path / "config"
    (folder / "tables").mkdir(parents=True)
    (folder / "tables" / "table_07.yaml").write_text(TABLE)
    (folder / "paper.csv").write_text(PAPER)
    (folder / "verdicts.yaml").write_text(VERDICTS)
    (folder / "scales").mkdir()
    for scale, key in (("demo", ""), ("paper", "comparable_with_paper: true\n")):
        (folder / "scales" / f"{scale}.yaml").write_text(f"label: a scale\n{key}data: download\ntasks: {{}}\n")
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The runs of table 7."""
    folder = tmp_path / "runs"
    for (setting, variant), values in VALUES.items():
        for seed, value in enumerate(values, start=1):
            write(folder, record(setting, variant, seed, value))
    return folder


@pytest.fixture
def selections(tmp_path: Path):
    """The decisions of all stages of a small sweep."""
    return small_selections(tmp_path)
