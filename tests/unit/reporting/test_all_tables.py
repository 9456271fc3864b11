"""Every table of the paper from synthetic results."""

import csv
import shutil
import subprocess

import pytest
from synthetic_results import record, write
from synthetic_tables import FAMILY, SEEDS, write_all

from uhn.errors import UserError
from uhn.reporting.publish_table import publish_table
from uhn.reporting.table_definitions import load_table, result_tables

NUMBERS = [table.number for table in result_tables().values() if table.number]


@pytest.fixture
def publish(tmp_path):
    """Write a table from the synthetic results and return its files by ending."""
    write_all(tmp_path / "runs")

    def run(number):
        published = publish_table(number, tmp_path / "runs", tmp_path / "out", "demo", "demo scale: synthetic")
        return {path.suffix[1:]: path for path in published.paths}

    run.runs = tmp_path / "runs"
    return run


def printed_rows(path):
    """The fields of a Markdown table, line by line, by heading."""
    table = [line[2:-2].split(" | ") for line in path.read_text().splitlines() if line.startswith("| ")]
    return [dict(zip(table[0], line, strict=True)) for line in table[2:]]


@pytest.mark.parametrize("number", NUMBERS)
def test_every_table_can_be_made(publish, number):
    files = publish(number)
    with files["csv"].open(newline="") as file:
        lines = list(csv.DictReader(file))
    table = load_table(number)
    assert [(line["row"], line["column"]) for line in lines] == [(cell.row, cell.column) for cell in table.cells]
    for cell, line in zip(table.cells, lines, strict=True):
        if cell.variant == "uhn_no_init" and cell.setting.startswith("recursion"):
            assert (line["n"], line["failures"], line["ours_mean"]) == ("0", "2", "")
        elif cell.minus:
            assert float(line["ours_mean"]) == pytest.approx(0.03)
            assert float(line["ours_std"]) == pytest.approx(0, abs=1e-12)
        else:
            unseen = 0.03 * ("/unseen/" in cell.metric)
            assert float(line["ours_mean"]) == pytest.approx(0.011 if "rmse" in cell.metric else 0.91 - unseen)
    assert f"\\setcounter{{table}}{{{number - 1}}}" in files["tex"].read_text()
    assert files["md"].read_text().startswith(f"**Table {number}. ")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("number", [1, 3, 4, 5])
def test_the_documents_compile(publish, number):
    path = publish(number)["tex"]
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", path.name],
        cwd=path.parent,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "(1 page," in done.stdout


def test_table_3_shows_the_family_instead_of_a_target(publish):
    seen, unseen, gap = printed_rows(publish(3)["md"])[:3]
    assert seen["Family"] == "CNN Mixed Depth"
    assert seen["#Models run / paper"] == "10 / 100"
    assert seen["avg. #Params run / paper"] == "24,321 / 366,995"
    assert seen["max. #Params run / paper"] == "31,000 / 463,018"
    assert seen["UHN #Params run / paper"] == "73,365 / 612,117"
    assert [line["Architectures"] for line in (seen, unseen, gap)] == ["Seen", "Unseen", "Gap"]
    assert (seen["ours"], seen["paper"]) == ("0.910 ± 0.014", "0.8842 ± 0.0031")
    assert [gap[head] for head in ("paper", "diff.", "verdict")] == ["-", "-", "-"]
    assert float(gap["ours"].split(" ± ")[0]) == pytest.approx(0.03)


def test_captions_explain_gap_and_missing_numbers(publish):
    text = publish(3)["md"].read_text()
    assert "Gap: test/seen/accuracy minus test/unseen/accuracy, seed by seed." in text
    assert "A - under paper: the paper has no such number" in text
    assert "is bold" not in text
    assert "UHN #Params counts frozen tensors, as the paper does." in text
    assert "A - under paper" not in publish(25)["md"].read_text()
    assert "the better mean of a row is bold" in publish(26)["md"].read_text()
    assert "the best mean of a row is bold" in publish(4)["md"].read_text()


def test_table_4_names_metrics_by_direction(publish):
    text = publish(4)["md"].read_text()
    assert (
        "Metric: test/accuracy, test/mnist/accuracy, test/cifar10/accuracy, test/cora/accuracy, "
        "test/pubmed/accuracy, test/ag_news/accuracy (higher is better), test/rmse, test/kv/rmse (lower is better); "
    ) in text


def test_table_4_takes_its_columns_from_the_runs_of_other_tables(publish):
    with publish(4)["csv"].open(newline="") as file:
        keys = {(line["row"], line["column"]): line["run_keys"].split()[0] for line in csv.DictReader(file)}
    assert keys["mnist_mlp", "direct"] == f"mnist_mlp/direct/seed{SEEDS[0]}"
    assert keys["cifar10_cnn44", "uhn"] == f"cifar10_cnn44/uhn/seed{SEEDS[0]}"
    assert keys["cora_gcn", "multi_task"] == f"multi_task/uhn/seed{SEEDS[0]}"


def test_table_5_shows_divergence_and_both_forms_without_recursion(publish):
    rows = printed_rows(publish(5)["md"])
    assert [(row["Generation"], row["K"], row["TSE"], row["Init."]) for row in rows] == [
        ("Direct training", "-", "-", "-"),
        ("UHN", "0", "without", "with"),
        *(("UHN", k, "with", "with") for k in "0123"),
        *(("UHN", k, "with", "without") for k in "123"),
    ]
    assert [row["Accuracy: paper"] for row in rows] == [
        *("0.9837 ± 0.0007", "0.9841 ± 0.0006", "-"),
        *("0.9825 ± 0.0007", "0.9795 ± 0.0011", "0.9741 ± 0.0021"),
        *("-", "-", "-"),
    ]
    assert [row["Accuracy: ours"] for row in rows[-3:]] == ["diverged (2)"] * 3
    with publish(5)["csv"].open(newline="") as file:
        assert [line["failed_reasons"] for line in csv.DictReader(file)][-1] == "loss is not finite; loss is not finite"


def test_sources_of_cells_in_one_row_are_told_apart(publish):
    for k, seed in enumerate(SEEDS):
        for variant in ("direct", "uhn"):
            data = {"dataset": "mnist", "source": "local", "note": "1,000 images."}
            write(publish.runs, record("mnist_mlp", variant, seed, 0.0, data=data, metrics={"test/accuracy": 0.9 + k}))
    text = publish(4)["md"].read_text()
    assert (
        "Data sources: local (Image MNIST MLP: Direct and UHN single-task); "
        "formula (Image MNIST MLP: UHN multi-task, Image CIFAR-10 CNN-44, Graph Cora GCN, Graph PubMed GAT, "
        "Text AG News Transformer-2L, Formula kv KAN-g5). "
        "Image MNIST MLP: Direct and UHN single-task: 1,000 images."
    ) in text


def test_a_family_table_needs_the_facts_of_the_family(publish):
    metrics = {"test/seen/accuracy": 0.9, "test/unseen/accuracy": 0.8}
    write(publish.runs, record("cnn_mixed_width", "uhn", SEEDS[1], 0.0, metrics=metrics))
    with pytest.raises(UserError, match=r"seed59358/result\.json: has no 'family', which this table shows"):
        publish(3)


def test_family_counts_are_held_against_the_printed_ones(tmp_path, publish):
    published = publish_table(3, publish.runs, tmp_path / "out", "demo", "synthetic")
    (warning,) = published.warnings
    assert "cnn_mixed_width number_of_models has 100, printed 500" in warning
    assert "cnn_mixed_width average_target has 366,995, printed 624,987" in warning
    assert "cnn_mixed_depth uhn has 612,117, printed 663,151" in warning
    assert "cnn_mixed_depth number_of_models" not in warning and "cnn_mixed_depth average_target" not in warning
    assert FAMILY["paper"]["mean_params"] == 366_995.6  # the paper cuts averages
