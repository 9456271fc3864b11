"""Sweeps in the DAG: what would run at every point, kills, edits, and final runs of the winner."""

import json
import os
import signal
import time

import pytest
import yaml
from short_sweep import FINE, shorten

QUIET = ("--config", "tracking_uri=none")
WINNERS_TABLE = ("table_11", *QUIET, "hyperparameters=swept")


@pytest.mark.parametrize(("scale", "runs", "finals"), [("demo", 2 + 2 + 2 + 3, 2), ("paper", 3 + 9 + 3 + 3 * 2, 3)])
def test_a_sweep_is_known_before_anything_has_run(pipeline, scale, runs, finals):
    """Stages 1 to 4: every place of the grids, those that a later stage skips too."""
    jobs = pipeline.jobs("sweep_kan_kv", *QUIET, f"scale={scale}")
    assert jobs == {
        "run_candidate": runs,
        "select_stage": 4,
        "train_run": finals,
        "evaluate_run": finals,
        "report_sweep": 1,
        "sweep_kan_kv": 1,
        "total": runs + 6 + 2 * finals,
    }


def test_swept_tables_wait_for_their_sweeps(pipeline):
    """Table 11 has 15 functions, each with a sweep of four stages for the UHN and of two for direct training."""
    jobs = pipeline.jobs(*WINNERS_TABLE)
    assert (jobs["select_stage"], jobs["run_candidate"]) == (15 * (4 + 2), 15 * (9 + 4))
    assert jobs["train_run"] == 15 * 2 * 2
    assert "select_stage" not in pipeline.jobs("table_11", *QUIET)


def test_runs_that_follow_wait_for_the_sweep_of_another_setting(pipeline):
    text = pipeline.run("results/demo-swept/runs/cifar10_cnn56/uhn/seed21962/result.json", "--dry-run").stdout
    assert "results/demo/sweeps/cifar10_cnn20/stage4/selected.json" in text
    assert "sweeps/cifar10_cnn56" not in text
    text = pipeline.run("results/demo-swept/runs/recursion_k3/uhn/seed21962/result.json", "--dry-run").stdout
    assert "results/demo/sweeps/recursion_k1/stage4/selected.json" in text


def test_a_table_of_sweeps_lists_what_it_waits_for(pipeline):
    jobs = pipeline.jobs("table_22", "--config", "scale=paper")
    assert (jobs["build_table"], jobs["select_stage"]) == (1, 4)
    assert jobs["run_candidate"] == 3 + 9 + 9 + 6
    assert pipeline.jobs("sweep_tables", "--config", "scale=paper")["build_table"] == 10


def test_fresh_seeds(pipeline):
    text = pipeline.run("sweep_kan_kv", *QUIET, "report_seeds=fresh", "--dry-run").stdout
    assert "results/demo-swept/runs/kan_kv/uhn/seed23547/result.json" in text
    assert "results/demo-swept/runs/kan_kv/uhn/seed21962/result.json" not in text


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("hyperparameters=ours", "configuration: hyperparameters: 'ours' is not one of published, swept"),
        ("report_seeds=new", "configuration: report_seeds: 'new' is not one of published, fresh"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_line(pipeline, setting, message):
    done = pipeline.run("sweeps", "--config", setting, "--dry-run")
    assert done.returncode == 1
    assert sum(message in line for line in done.stdout.splitlines()) == 1


def test_a_mistake_in_the_sweeps_is_one_line(pipeline):
    path = pipeline.folder / "config" / "sweeps.yaml"
    data = yaml.safe_load(path.read_text())
    data["followers"][0]["sweep"] = "cifar10_cnn21"
    path.write_text(yaml.safe_dump(data))
    done = pipeline.run("tables", "--dry-run")
    assert done.returncode == 1
    assert sum("followers of unknown sweep 'cifar10_cnn21'" in line for line in done.stdout.splitlines()) == 1


class Sweep:
    """The files of a sweep of kan_kv."""

    def __init__(self, folder):
        self.folder = folder / "results/demo/sweeps/kan_kv"

    def candidates(self):
        """Return slot -> content of candidate.json."""
        paths = sorted(self.folder.glob("stage*/*/seed*/candidate.json"))
        return {str(path.parent.relative_to(self.folder)): json.loads(path.read_text()) for path in paths}

    def trained(self):
        """Return slot -> when its run was finished."""
        paths = sorted(self.folder.glob("stage*/*/seed*/training.json"))
        return {str(path.parent.relative_to(self.folder)): path.stat().st_mtime_ns for path in paths}

    def selection(self, stage):
        """Return what a stage decided."""
        return json.loads((self.folder / f"stage{stage}" / "selected.json").read_text())


@pytest.mark.slow
def test_kill_finish_repeat_and_edit(pipeline):
    folder = pipeline.folder
    shorten(folder / "config")
    sweep = Sweep(folder)
    places = 2 + 1 + 2 + 3

    # killed in the middle of stage 2: what has finished stays, what has not is all that is left
    process = pipeline.start("sweep_kan_kv", *QUIET)
    deadline = time.monotonic() + 240
    while not (sweep.folder / "stage1/selected.json").exists() or not list(folder.glob("scratch/runs/*/metrics.jsonl")):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = sweep.trained()
    assert set(before) == {"stage1/i0_j0/seed21962", "stage1/i1_j0/seed21962"}
    assert pipeline.jobs("sweep_kan_kv", *QUIET)["run_candidate"] == places - 2
    done = pipeline.run("sweep_kan_kv", *QUIET)
    assert done.returncode == 0, done.stdout
    after = sweep.trained()
    assert before.items() <= after.items()
    assert pipeline.jobs("sweep_kan_kv", *QUIET) == {}

    # lr 1e30 diverges in stages 1 and 3, is ranked out with its reason, and leaves two candidates and an empty place
    candidates = sweep.candidates()
    status = {slot: one["status"] for slot, one in candidates.items()}
    assert len(status) == places
    assert status["stage1/i1_j0/seed21962"] == status["stage3/i1_j0/seed21962"] == "diverged"
    assert status["stage3/i0_j0/seed21962"] == status["stage4/r2/seed59358"] == "skipped"
    dropped = {one["slot"]: one["reason"] for one in sweep.selection(4)["dropped"]}
    assert set(dropped) == {"stage1/i1_j0", "stage3/i1_j0"}
    assert all(reason.startswith("seed 21962: diverged, ") for reason in dropped.values())

    # the winner has the least mean of its two seeds
    value = {slot: one["metrics"].get("validation/rmse") for slot, one in candidates.items()}
    first = ["stage1/i0_j0", "stage2/i0_j0"]
    first.sort(key=lambda slot: value[f"{slot}/seed21962"])
    means = [(value[f"{slot}/seed21962"] + value[f"stage4/r{k}/seed59358"]) / 2 for k, slot in enumerate(first)]
    best = first[means.index(min(means))]
    winner = sweep.selection(4)["winner"]
    assert winner == candidates[f"{best}/seed21962"]["hyperparameters"]
    final = json.loads((folder / "results/demo-swept/runs/kan_kv/uhn/seed21962/run.json").read_text())["config"]
    assert (final["mode"], final["train"]["lr"]) == ("final", 20 * FINE)
    assert final["init"]["steps"] == winner["init_steps"] / 10
    assert not (folder / "results/demo/runs").exists()
    assert {path.name for path in sweep.folder.glob("*.*")} == {
        *(f"stages.{ending}" for ending in ("csv", "pdf", "png")),
        *(f"selection.{ending}" for ending in ("csv", "md", "tex")),
    }

    # a candidate whose decision before is made again is confirmed from its files
    (sweep.folder / "stage1/i0_j0/seed21962/candidate.json").unlink()
    assert pipeline.run("sweep_kan_kv", *QUIET).returncode == 0
    assert (sweep.trained(), sweep.candidates()) == (after, candidates)

    # the published choice does not matter to the sweep; a value of its grid does, from its place on
    experiment = folder / "config/experiments/kan_kv.yaml"
    experiment.write_text(
        experiment.read_text().replace("train: {epochs: 4000, lr: 1.0e-4}", "train: {epochs: 4000, lr: 3.0e-4}")
    )
    assert pipeline.jobs("sweep_kan_kv", *QUIET) == {}
    path = folder / "config/sweeps.yaml"
    path.write_text(path.read_text().replace("1.0e+30", "2.0e+30"))
    assert pipeline.run("sweep_kan_kv", *QUIET).returncode == 0
    changed = {slot for slot, when in sweep.trained().items() if after.get(slot) != when}
    assert changed == {"stage1/i1_j0/seed21962", "stage3/i1_j0/seed21962"}
