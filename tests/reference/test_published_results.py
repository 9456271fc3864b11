"""Published tables are what the reporting makes of the published runs."""

import csv
import shutil

import pytest
from cli_process import REPOSITORY, uhn

PUBLISHED = REPOSITORY / "results" / "published"
TABLES = sorted(PUBLISHED.glob("*/tables/table_*.csv"))


def test_there_are_published_tables():
    assert [str(path.relative_to(PUBLISHED)) for path in TABLES] == ["paper/tables/table_11.csv"]


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_a_published_table_can_be_rebuilt(tmp_path, table):
    scale, number = table.parts[-3], int(table.stem.removeprefix("table_"))
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    runs = table.parents[1] / "runs"
    done = uhn("report", "table", number, "--scale", scale, "--runs", runs, "--out", "tables", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for suffix in (".csv", ".md", ".tex"):
        rebuilt = (tmp_path / "tables" / table.name).with_suffix(suffix)
        assert rebuilt.read_text() == table.with_suffix(suffix).read_text()


def test_every_published_run_is_clean_and_complete():
    with open(PUBLISHED / "paper/tables/table_11.csv") as file:
        keys = [key for row in csv.DictReader(file) for key in row["run_keys"].split()]
    assert len(keys) == len(set(keys)) == 90
    for key in keys:
        folder = PUBLISHED / "paper" / "runs" / key
        assert {path.name for path in folder.iterdir()} == {"run.json", "metrics.jsonl", "result.json"}
        assert '"dirty": false' in (folder / "run.json").read_text()
