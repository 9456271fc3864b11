"""Published tables are what the reporting makes of the published runs."""

import csv
import json
import shutil

import pytest
import yaml
from cli_process import REPOSITORY, uhn

PUBLISHED = REPOSITORY / "results" / "published"
LISTED = yaml.safe_load((PUBLISHED / "tables.yaml").read_text())
TABLES = [entry for entry in LISTED if "table" in entry]
FIGURES = [entry for entry in LISTED if "figure" in entry]


def test_every_published_table_is_listed_and_there():
    listed = {f"{entry['folder']}/tables/{entry['stem']}.csv" for entry in TABLES}
    assert {str(path.relative_to(PUBLISHED)) for path in PUBLISHED.glob("*/tables/*.csv")} == listed
    assert "paper/tables/table_11.csv" in listed


@pytest.mark.parametrize("entry", TABLES, ids=lambda entry: entry["stem"])
def test_a_published_table_can_be_rebuilt(tmp_path, entry):
    folder, stem = PUBLISHED / entry["folder"], entry["stem"]
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    part = [text for key in ("rows", "columns") if key in entry for text in (f"--{key}", *entry[key])]
    source = ("--scale", entry["folder"], "--runs", folder / "runs", "--available")
    done = uhn("report", "table", entry["table"], *source, *part, "--out", "tables", "--stem", stem, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for suffix in (".csv", ".md", ".tex"):
        rebuilt = (tmp_path / "tables" / stem).with_suffix(suffix)
        assert rebuilt.read_text() == (folder / "tables" / stem).with_suffix(suffix).read_text()


@pytest.mark.parametrize("entry", FIGURES, ids=lambda entry: entry["stem"])
def test_a_published_figure_can_be_drawn_again(tmp_path, entry):
    folder, stem = PUBLISHED / entry["folder"], entry["stem"]
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    part = ("--rows", *entry["rows"]) if "rows" in entry else ()
    source = ("--scale", entry["folder"], "--runs", folder / "runs", "--available", *part)
    done = uhn("report", "figure", str(entry["figure"]), *source, "--out", "figures", "--stem", stem, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"figures/{stem}.csv").read_text() == (folder / f"figures/{stem}.csv").read_text()


@pytest.mark.parametrize(("stem", "count"), [("table_11", 90), ("table_01_direct", 63)])
def test_a_published_table_has_every_run_of_the_protocol(stem, count):
    with open(PUBLISHED / f"paper/tables/{stem}.csv") as file:
        keys = [key for row in csv.DictReader(file) for key in row["run_keys"].split()]
    assert len(keys) == len(set(keys)) == count


def test_every_published_run_is_clean_and_complete():
    folders = [path.parent for path in PUBLISHED.glob("*/runs/**/run.json")]
    assert len(folders) >= 90
    for folder in folders:
        assert {path.name for path in folder.iterdir()} == {"run.json", "metrics.jsonl", "result.json"}
        assert '"dirty": false' in (folder / "run.json").read_text()


def test_the_published_recursion_trains_far_above_chance():
    """A UHN that generates a UHN that generates the MLP, on real MNIST, in a shortened schedule."""
    (path,) = PUBLISHED.glob("cpu/runs/recursion_k1/uhn/seed21962/result.json")
    result = json.loads(path.read_text())
    assert result["metrics"]["test/accuracy"] > 0.9
    assert (result["data"]["source"], result["scale"]) == ("local", "cpu")


def test_published_families_generalise_but_for_the_one_architecture_with_layers_of_its_own():
    """Reduced networks on the real CIFAR-10; chance is 0.1. Model 94 alone has the deepest layers (see the docs)."""
    for setting in ("cnn_mixed_depth", "cnn_mixed_width", "cnn_mixed_depth_width"):
        result = json.loads((PUBLISHED / f"cpu/runs/{setting}/uhn/seed21962/result.json").read_text())
        assert (result["data"]["source"], result["scale"]) == ("local", "cpu")
        accuracies = {model["name"]: model["metrics"]["accuracy"] for model in result["models"]}
        outlier = accuracies.pop("cnn_mixed_depth/94", None)
        assert len(accuracies) == (39 if outlier else 40) and min(accuracies.values()) > 0.4
        assert (outlier is None) == (setting != "cnn_mixed_depth") and (outlier or 0) < 0.2


def test_published_transformers_generalise_and_need_the_initialisation():
    """Reduced networks on part of the real AG News; chance is 0.25."""
    accuracies = {}
    for variant in ("uhn", "uhn_no_init"):
        path = PUBLISHED / f"cpu/runs/transformer_mixed/{variant}/seed21962/result.json"
        result = json.loads(path.read_text())
        assert (result["data"]["source"], result["scale"], len(result["models"])) == ("local", "cpu", 40)
        unseen = [model["metrics"]["accuracy"] for model in result["models"] if model["split"] == "unseen"]
        accuracies[variant] = unseen
    assert min(accuracies["uhn"]) > 0.7 > 0.6 > max(accuracies["uhn_no_init"])


def rows_of(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def value(mean, std):
    return f"{float(mean):.4f}" + (f" ± {float(std):.4f}" if std else "") if mean else "unknown"


@pytest.mark.parametrize(
    ("setting", "label", "seeds"),
    [
        ("mnist_mlp", "MNIST MLP", 3),
        ("cora_gcn", "Cora GCN", 10),
        ("citeseer_gcn", "CiteSeer GCN", 10),
        ("pubmed_gcn", "PubMed GCN", 10),
        ("cora_gat", "Cora GAT", 10),
        ("citeseer_gat", "CiteSeer GAT", 10),
        ("pubmed_gat", "PubMed GAT", 10),
    ],
)
def test_the_readme_shows_the_published_numbers(setting, label, seeds):
    ours = [row for stem in ("direct", "graphs") for row in rows_of(PUBLISHED / f"paper/tables/table_01_{stem}.csv")]
    paper = rows_of(REPOSITORY / "config" / "paper.csv")
    cells = [label]
    for column in ("direct", "uhn"):
        found = [row for row in ours if (row["row"], row["column"]) == (setting, column)]
        (printed,) = (
            row
            for row in paper
            if [row[k] for k in ("table", "row", "column", "quantity")] == ["1", setting, column, "metric"]
        )
        text = value(found[0]["ours_mean"], found[0]["ours_std"]) if found else ""
        if found and (n := int(found[0]["n"])) < seeds:
            text += " (one seed)" if n == 1 else f" ({n} seeds)"
        cells += [text, value(printed["mean"], printed["std"])]
    line = "| " + " | ".join(cells).replace("|  |", "| |") + " |"
    assert line in (REPOSITORY / "README.md").read_text()


SWEEPS = sorted(path.parent for path in PUBLISHED.glob("*/sweeps/*/selection.csv"))


@pytest.mark.parametrize("folder", SWEEPS, ids=lambda folder: folder.name)
def test_a_published_sweep_can_be_decided_again(tmp_path, folder):
    """From what the candidates report alone."""
    scale, sweep = folder.parts[-3], folder.name
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    shutil.copytree(folder, tmp_path / "sweeps" / sweep, ignore=lambda path, names: set(names) & {"selected.json"})
    common = ("--sweep", sweep, "--scale", scale, "--sweeps", "sweeps")
    for stage in range(1, 1 + len(list(folder.glob("stage[0-9]")))):
        done = uhn("sweep", "select", "--stage", stage, *common, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        decided = json.loads((tmp_path / "sweeps" / sweep / f"stage{stage}" / "selected.json").read_text())
        assert decided == json.loads((folder / f"stage{stage}" / "selected.json").read_text())
    done = uhn("sweep", "report", *common, "--out", "report", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("stages.csv", "selection.csv", "selection.md", "selection.tex"):
        assert (tmp_path / "report" / name).read_text() == (folder / name).read_text()


@pytest.mark.parametrize("folder", SWEEPS, ids=lambda folder: folder.name)
def test_every_candidate_of_a_published_sweep_saw_validation_data_alone(folder):
    candidates = [json.loads(path.read_text()) for path in folder.glob("stage*/*/seed*/candidate.json")]
    assert len(candidates) == 21  # 3 + 9 + 3 + 3 times 2 more seeds
    assert {name.split("/")[0] for candidate in candidates for name in candidate["metrics"]} == {"validation"}
    runs = [path.read_text() for path in folder.glob("stage*/*/seed*/run.json")]
    assert len(runs) == sum(candidate["status"] != "skipped" for candidate in candidates)
    assert all('"dirty": false' in run for run in runs)
