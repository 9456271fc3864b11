"""Writing a table: its files, and when none is written."""

import csv

import pytest
from printed_table import change_runs, publish

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
    change_runs(runs, lambda data: data.update(scale="lite" if data["seed"] == 2 else "demo"))
    with pytest.raises(UserError, match="is a run of scale lite, expected demo"):
        publish(config, runs)
    assert not (runs.parent / "out").exists()
