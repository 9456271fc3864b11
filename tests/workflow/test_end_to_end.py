"""The pipeline from nothing to a table and a tracking store, and what a change rebuilds."""

import csv
import json
import os
import signal
import sqlite3
import time

import numpy as np
import pytest


def results(folder):
    """Read the metrics of all runs."""
    paths = sorted((folder / "results" / "demo" / "runs").glob("*/*/*/result.json"))
    return {str(p.parent.relative_to(folder)): json.loads(p.read_text())["metrics"] for p in paths}


def test_build_rebuild_and_kill(short_pipeline):
    folder = short_pipeline.folder
    done = short_pipeline.run("tables")
    assert done.returncode == 0, done.stdout

    first = results(folder)
    assert len(first) == 2 * 2 * 2 + 2  # two functions, methods and seeds; both seeds of the chain
    with open(folder / "results/demo/tables/table_11.csv") as file:
        (cell,) = [row for row in csv.DictReader(file) if (row["row"], row["column"]) == ("kan_kv", "uhn")]
    seeds = [metrics["test/rmse"] for run, metrics in first.items() if "kan_kv/uhn" in run]
    np.testing.assert_allclose(float(cell["ours_mean"]), np.mean(seeds), rtol=1e-12)
    np.testing.assert_allclose(float(cell["ours_std"]), np.std(seeds, ddof=1), rtol=1e-12)
    assert float(cell["paper_mean"]) == 0.0104
    assert "Demo scale: test scale: a few steps" in (folder / "results/demo/tables/table_11.md").read_text()

    with sqlite3.connect(folder / "scratch" / "mlflow.db") as database:
        (tracked,) = database.execute("select count(*) from runs where lifecycle_stage = 'active'").fetchone()
    assert tracked == 10 + 5  # runs, and a parent for each setting and method
    with open(folder / "results/demo/figures/levels.csv") as file:
        lines = list(csv.DictReader(file))
    # 12 steps in all, 6 a level: the first level is seen during both, the leaf during its own
    assert [(line["level"], line["step"]) for line in lines] == [
        *(("0", str(step)) for step in range(12)),
        *(("1", str(step)) for step in range(6, 12)),
    ]
    assert {line["n"] for line in lines} == {"2"}

    assert short_pipeline.jobs("tables") == {}

    figure = folder / "config" / "figures" / "levels.yaml"
    text = figure.read_text()
    figure.write_text(text.replace("Scale of the weights", "Size of the weights"))
    assert short_pipeline.jobs("tables") == {"draw_figure": 1, "tables": 1, "total": 2}
    figure.write_text(text)

    victim = folder / "results/demo/runs/kan_kv/uhn/seed21962"
    (victim / "result.json").unlink()
    assert short_pipeline.jobs("tables") == {
        "evaluate_run": 1,
        "build_table": 1,
        "track_table": 1,
        "tables": 1,
        "total": 4,
    }

    experiment = folder / "config" / "experiments" / "kan_jv.yaml"
    text = experiment.read_text()
    experiment.write_text(text.replace("lr: 0.02", "lr: 0.03"))
    assert short_pipeline.jobs("tables")["train_run"] == 2  # both seeds of the changed method, nothing else
    experiment.write_text(text)

    # Kill everything in the middle of a training job: no lock and no half file may stand in the way.
    for path in victim.iterdir():
        path.unlink()
    process = short_pipeline.start("tables")
    deadline = time.monotonic() + 60
    while not list(folder.glob("scratch/runs/*/metrics.jsonl")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = short_pipeline.run("tables")
    assert done.returncode == 0, done.stdout
    assert results(folder) == first


def test_two_builds_in_one_folder_do_not_mix(short_pipeline):
    first = short_pipeline.start("table_11", "--config", "tracking_uri=none")
    deadline = time.monotonic() + 60
    while not list(short_pipeline.folder.glob("scratch/runs/*")):
        assert time.monotonic() < deadline and first.poll() is None
        time.sleep(0.01)
    second = short_pipeline.run("table_11")
    assert second.returncode == 1
    assert second.stdout.strip() == "another `make` builds in this folder; wait for it or stop it, then run again"
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()


@pytest.mark.slow
def test_figures_are_drawn_from_the_files_of_real_runs(figure_pipeline):
    """Families, kernels, epoch losses and counts as training and evaluation write them."""
    folder = figure_pipeline.folder
    done = figure_pipeline.run("tables", "--config", "tracking_uri=none")
    assert done.returncode == 0, done.stdout
    tables = {}
    for name in ("figure_3", "distance", "figure_4", "figure_5", "growth"):
        with open(folder / f"results/demo/figures/{name}.csv") as file:
            tables[name] = list(csv.DictReader(file))
        assert (folder / f"results/demo/figures/{name}.png").stat().st_size > 1000
    assert [line["split"] for line in tables["figure_3"]] == ["seen"] * 2 + ["unseen"] * 2  # a fifth of 8, at least 2
    assert all(float(line["distance"]) > 0 for line in tables["distance"])
    assert [line["epoch"] for line in tables["figure_5"]] == ["0", "0"]
    assert {line["params_paper_scale"] for line in tables["growth"] if line["column"] == "uhn"} == {"612117"}
    kernel = np.load(folder / "results/demo/runs/cifar10_cnn20/uhn/seed21962/kernel.npy")
    assert kernel.dtype == np.float32 and kernel.shape[2:] == (3, 3) and kernel.std() > 0
