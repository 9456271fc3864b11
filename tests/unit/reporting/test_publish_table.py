"""Writing a table: its files, and when none is written."""

import csv

import pytest
from printed_table import publish
from synthetic_results import record, write

from uhn.errors import UserError


def test_three_files_named_by_table(config, runs):
    published = publish(config, runs)
    assert [path.name for path in published.paths] == ["table_07.csv", "table_07.md", "table_07.tex"]
    assert published.warnings == []
    with published.paths[0].open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 4
    assert float(lines[1]["ours_mean"]) == pytest.approx(0.011)
    assert lines[2]["paper_mean"] == "" and lines[2]["failures"] == "3"


def test_mixed_scales_write_nothing(config, runs):
    write(runs, record("kan_kv", "direct", 2, 0.03, scale="lite"))
    with pytest.raises(UserError, match=r"holds kan_kv/direct/seed2 at scale lite, expected .* at scale demo"):
        publish(config, runs)
    assert not (runs.parent / "out").exists()
