"""Tables that the paper does not have: no printed values, differences between variants seed by seed."""

import csv
import math
import shutil
import subprocess

import pytest
import yaml
from synthetic_results import record, write
from synthetic_tables import SEEDS, write_all
from test_table_definitions import RUNS

from uhn.configuration.resolve import load_experiment
from uhn.errors import UserError
from uhn.reporting.publish_table import publish_table
from uhn.reporting.table_definitions import Cell, load_table, needed_runs, result_tables, table_names

OWN = """\
title: A comparison of our own
labels: [Function]
sizes: none
columns:
  - {id: default, label: Default, variant: uhn}
  - {id: other, label: Other}
  - {id: effect, label: Effect, minus_variant: uhn}
rows:
  - {id: kan_kv, labels: [kv], setting: kan_kv, variant: hash, metric: test/rmse}
"""
# RMSE of seeds 1, 2, 3: 0.010, 0.011, 0.012 by default (conftest); None is a diverged run
HASH = (0.013, 0.012, None)


@pytest.fixture
def own(config, runs):
    """A table `own` beside table 7, with runs."""
    (config / "tables" / "own.yaml").write_text(OWN)
    for seed, value in enumerate(HASH, start=1):
        write(runs, record("kan_kv", "hash", seed, value))
    return config


def published(config, runs):
    paths = publish_table("own", runs, runs.parent / "out", "demo", "demo scale: synthetic", config=config).paths
    assert [path.name for path in paths] == ["own.csv", "own.md", "own.tex"]
    return paths


def test_names_and_numbers(own):
    assert table_names(own) == ["table_07", "own"]
    assert [table.number for table in result_tables(own).values()] == [7, None]
    assert load_table(7, own) == load_table("7", own) == load_table("table_07", own)


def test_no_cell_is_in_the_paper_and_a_difference_needs_both_variants(own):
    table = load_table("own", own)
    assert table.number is None
    assert table.cells == (
        Cell("kan_kv", "default", "kan_kv", "uhn", "test/rmse", in_paper=False),
        Cell("kan_kv", "other", "kan_kv", "hash", "test/rmse", in_paper=False),
        Cell("kan_kv", "effect", "kan_kv", "hash", "test/rmse", minus_variant="uhn", in_paper=False),
    )
    assert table.runs == [("kan_kv", "uhn"), ("kan_kv", "hash")]
    assert table.cells[2].pairs == [("kan_kv", "hash"), ("kan_kv", "uhn")]


def test_a_difference_is_paired_by_seed(own, runs):
    """0.013 - 0.010 and 0.012 - 0.011; seed 3 has no pair. t quantile 0.975 with one degree of freedom: 12.7062."""
    with published(own, runs)[0].open(newline="") as file:
        _, other, effect = csv.DictReader(file)
    assert (other["n"], other["failures"]) == ("2", "1")
    assert (effect["n"], effect["failures"], effect["failed_keys"]) == ("2", "1", "kan_kv/hash/seed3")
    assert float(effect["ours_mean"]) == pytest.approx(0.002)
    assert float(effect["ours_std"]) == pytest.approx(0.001 * math.sqrt(2))
    assert float(effect["ci_low"]) == pytest.approx(0.002 - 12.7062 * 0.001, rel=1e-4)
    assert (effect["paper_mean"], effect["verdict"], effect["table"]) == ("", "", "own")
    assert effect["metric"] == "test/rmse - uhn"
    assert effect["run_keys"].split() == [
        f"kan_kv/{variant}/seed{seed}" for variant in ("hash", "uhn") for seed in (1, 2, 3)
    ]


def test_a_difference_fails_where_either_run_did(own, runs):
    write(runs, record("kan_kv", "uhn", 1, None))
    with published(own, runs)[0].open(newline="") as file:
        default, _, effect = csv.DictReader(file)
    assert (default["n"], default["failures"]) == ("2", "1")
    assert (effect["n"], effect["failures"]) == ("1", "2")
    assert effect["failed_keys"] == "kan_kv/hash/seed3 kan_kv/uhn/seed1"
    assert float(effect["ours_mean"]) == pytest.approx(0.001)


def test_print_has_no_columns_of_the_paper(own, runs):
    text = published(own, runs)[1].read_text()
    assert text.startswith("**Beyond the paper. A comparison of our own.**\n")
    table = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    row = dict(zip(table[0], table[2], strict=True))
    assert row == {
        "Function": "kv",
        "Default": "0.0110 ± 0.0010",
        "Other": "0.01250 ± 0.00071 (1 of 3 diverged)",
        "Effect": r"+0.0020 \[−0.0107, +0.0147\] (1 of 3 diverged)",
    }


def test_runs_of_the_papers_scale_compete_and_differences_do_not(own, runs):
    for path in runs.rglob("result.json"):
        path.write_text(path.read_text().replace('"demo"', '"paper"'))
    paths = publish_table("own", runs, runs.parent / "out", "paper", "synthetic", config=own).paths
    line = paths[1].read_text().splitlines()[-1]
    assert line.startswith("| kv | **0.0110 ± 0.0010** | 0.01250 ")
    with paths[0].open(newline="") as file:
        assert [(row["comparison"], row["verdict"]) for row in csv.DictReader(file)] == 3 * [("", "-")]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_the_document_compiles(own, runs):
    path = published(own, runs)[2]
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", path.name],
        cwd=path.parent,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "(1 page," in done.stdout


def test_the_document_has_no_number(own, runs):
    text = published(own, runs)[2].read_text()
    assert r"\renewcommand{\fnum@table}{Beyond the paper}" in text
    assert r"\setcounter{table}" not in text


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("own", {"number": 3}, r"own\.yaml: number is 3, expected none as in the file's name"),
        ("table_07", {"number": None}, r"table_07\.yaml: number is missing, expected 7 as in the file's name"),
    ],
)
def test_a_number_belongs_to_a_numbered_file(own, name, change, message):
    path = own / "tables" / f"{name}.yaml"
    data = yaml.safe_load(path.read_text()) | change
    path.write_text(yaml.safe_dump({key: value for key, value in data.items() if value is not None}))
    with pytest.raises(UserError, match=message):
        load_table(name, own)


def test_extensions_compare_with_runs_of_the_papers_tables():
    table = load_table("extensions")
    assert not any(cell.in_paper for cell in table.cells)
    extensions = {cell.pairs[0] for cell in table.cells if cell.column == "extension"}
    assert extensions == {
        ("citeseer_gcn", "half_precision_phases"),
        ("agnews_transformer2l", "half_precision_phases"),
        ("cifar10_cnn20", "hash"),
        ("cnn_mixed_depth", "smooth_layers"),
        ("multi_task", "uhn_pcgrad"),
    }
    shared = set(needed_runs("extensions")) - extensions
    assert shared == {(setting, "uhn") for setting, _ in extensions}
    assert all(variant in RUNS[setting] for setting, variant in shared)
    for setting, variant in table.runs:
        assert variant in load_experiment(setting)["variants"]


def test_extensions_can_be_made(tmp_path):
    write_all(tmp_path / "runs")
    seeds = {pair: SEEDS for pair in needed_runs("extensions")}
    paths = publish_table(
        "extensions", tmp_path / "runs", tmp_path / "out", "demo", "demo scale: synthetic", seeds
    ).paths
    assert [path.name for path in paths] == ["extensions.csv", "extensions.md", "extensions.tex"]
    with paths[0].open(newline="") as file:
        effects = [float(line["ours_mean"]) for line in csv.DictReader(file) if line["column"] == "effect"]
    assert effects == [0.0] * 11
