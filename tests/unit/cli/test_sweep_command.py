"""``uhn sweep`` on a very short sweep: candidates, divergence, decisions, resuming, mistakes."""

import json
import shutil

import pytest
from cli_process import REPOSITORY
from run_files import edit
from short_sweep import BAD, FINE, change_sweeps, shorten

from uhn.benchmarks.step_times import StepTimes
from uhn.cli import main
from uhn.runs.folder import write_record
from uhn.sweeps.load import load_sweep
from uhn.training import candidate as candidate_module
from uhn.training.cost import StepSeconds

SEED = "21962"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with the short configuration."""
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    shorten(tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "results/demo/sweeps/kan_kv"


def run(slot, seed=SEED):
    return main(["sweep", "run", "--sweep", "kan_kv", "--slot", slot, "--seed", seed, "--resume"])


def select(stage):
    return main(["sweep", "select", "--sweep", "kan_kv", "--stage", str(stage)])


def read(path):
    return json.loads(path.read_text())


def test_candidates_decision_and_divergence(folder, capsys):
    assert run("stage1/i0_j0") == run("stage1/i1_j0") == 0
    fine, bad = (read(folder / f"stage1/{place}/seed{SEED}/candidate.json") for place in ("i0_j0", "i1_j0"))
    assert (fine["status"], fine["hyperparameters"]["train_lr"]) == ("completed", FINE)
    assert set(fine["metrics"]) == {"validation/loss", "validation/rmse"}
    assert (bad["status"], bad["hyperparameters"]["train_lr"], bad["metrics"]) == ("diverged", BAD, {})
    assert "not finite" in bad["reason"] or "is nan" in bad["reason"] or "is inf" in bad["reason"]

    files = folder / f"stage1/i0_j0/seed{SEED}"
    config = read(files / "run.json")["config"]
    assert (config["mode"], config["train"]["budget"], config["train"]["lr"]) == ("tuning", 40, 20 * FINE)
    assert config["hypernetwork"]["hidden_dim"] == 16
    # formulas: 70 of 100 parts train, the rest of the 1,000 training points validates (spec: 700 and 300)
    assert not any(name.startswith("test/") for name in read(files / "result.json")["metrics"])
    assert not (files / "generator.safetensors").exists()

    assert select(1) == 0
    decision = read(folder / "stage1/selected.json")
    assert [entry["slot"] for entry in decision["ranking"]] == ["stage1/i0_j0"]
    assert [(one["slot"], one["reason"]) for one in decision["dropped"]] == [
        ("stage1/i1_j0", f"seed {SEED}: diverged, {bad['reason']}")
    ]
    assert decision["winner"]["train_lr"] == FINE


def test_a_finished_candidate_is_not_trained_again(folder, monkeypatch):
    assert run("stage1/i0_j0") == 0
    path = folder / f"stage1/i0_j0/seed{SEED}/candidate.json"
    first = path.read_text()
    path.unlink()

    def refuse(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(candidate_module, "train_run", refuse)
    monkeypatch.setattr(candidate_module, "evaluate_run", refuse)
    assert run("stage1/i0_j0") == 0
    assert path.read_text() == first
    # other hyperparameters in the same place are another candidate, and what is finished stays until it is
    change_sweeps(folder.parents[3] / "config", train_lr=[2 * FINE, BAD])
    with pytest.raises(AssertionError, match="trained again"):
        run("stage1/i0_j0")
    assert (path.parent / "result.json").exists() and path.read_text() == first


def test_the_result_of_another_candidate_is_not_taken(folder):
    """F4: in the place of its own, without candidate.json."""
    assert run("stage1/i0_j0") == run("stage1/i1_j0") == 0
    own, other = (folder / f"stage1/{place}/seed{SEED}" for place in ("i0_j0", "i1_j0"))
    first = read(own / "candidate.json")
    shutil.copy(other / "result.json", own / "result.json")
    (own / "candidate.json").unlink()
    assert run("stage1/i0_j0") == 0
    again = read(own / "candidate.json")
    assert {key: again[key] for key in ("status", "metrics")} == {key: first[key] for key in ("status", "metrics")}


def test_a_candidate_killed_before_validation_is_only_validated(folder, monkeypatch):
    monkeypatch.setattr(candidate_module, "evaluate_run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run("stage1/i0_j0") == 130
    monkeypatch.undo()
    monkeypatch.chdir(folder.parents[3])
    files = folder / f"stage1/i0_j0/seed{SEED}"
    trained = (files / "training.json").stat().st_mtime_ns
    assert not (files / "candidate.json").exists() and (files / "generator.safetensors").exists()
    assert run("stage1/i0_j0") == 0
    assert (files / "training.json").stat().st_mtime_ns == trained
    assert read(files / "candidate.json")["status"] == "completed"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["run", "--sweep", "kan_kv", "--slot", "stage1/i9_j0", "--seed", SEED],
            "kan_kv has no candidate stage1/i9_j0",
        ),
        (
            ["run", "--sweep", "kan_kv", "--slot", "stage1/i0_j0", "--seed", "5"],
            "seed 5 is none of stage 1; expected one",
        ),
        (["run", "--sweep", "kan_kv", "--slot", "stage2/i0_j0", "--seed", SEED], "stage1/selected.json: no such file"),
        (["select", "--sweep", "kan_kv", "--stage", "1"], "candidate.json: no such file"),
        (["select", "--sweep", "kan_kw", "--stage", "1"], "unknown sweep 'kan_kw'; did you mean 'kan_"),
        (["report", "--sweep", "kan_kv"], "sweep kan_kv: no selection of stage 3 to draw"),
        (["track", "--sweep", "kan_kv"], "candidate.json: no such file"),
    ],
)
def test_mistakes_are_one_line(folder, capsys, arguments, message):
    assert main(["sweep", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_list(folder, capsys, monkeypatch):
    """With a second for each step."""
    monkeypatch.setattr(StepTimes, "of_run", lambda times, config: StepSeconds(1.0, 1.0))
    assert main(["sweep", "list", "--scale", "paper", "--sweep", "pubmed_gcn"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:7] == ["pubmed_gcn", "15", "45", "40", "15", "10", "125"]
    hours = float(lines[1].split()[7])
    assert 6 < hours < 26  # the specification's estimate is 13
    assert lines[2].startswith("1 sweeps, at most 125 runs")


def test_swept_hyperparameters_of_a_run(folder, tmp_path, capsys):
    """`uhn train --selected` takes the winner; the decision of another stage or sweep is refused."""
    winner = {"train_lr": 2e-5, "train_budget": 4000, "init_lr": 2e-4, "init_steps": 100}
    entry = {"slot": "stage2/i0_j0", "hyperparameters": winner, "seeds": [1], "mean_rank": 0.0, "std_rank": 0.0}
    entry["metrics"] = {"validation/rmse": {"mean": 0.1, "std": 0.0, "rank": 0, "values": [0.1]}}
    record = {"sweep": "kan_kv", "scale": "demo", "stage": 4, "winner": winner, "note": None}
    record |= {"ranking": [entry], "dropped": [], "skipped": [], "sweep_digest": load_sweep("kan_kv", "demo").digest}
    path = tmp_path / "selected.json"
    write_record(path, record | {"candidates_sha256": "0" * 64, "previous_sha256": "1" * 64})
    train = ["train", "--setting", "kan_kv", "--variant", "uhn", "--seed", "7", "--selected", str(path)]
    assert main(train) == 0
    config = read(tmp_path / "results/demo-swept/runs/kan_kv/uhn/seed7/run.json")["config"]
    assert (config["mode"], config["train"]["lr"], config["train"]["budget"]) == ("final", 20 * 2e-5, 40)
    assert (config["init"]["steps"], config["init"]["lr"]) == (10, [20 * 2e-4])
    assert not (tmp_path / "results/demo").exists()
    for change, message in (
        ({"stage": 3}, "decides stage 3, expected the last, stage 4"),
        ({"sweep": "kan_jv"}, "belongs to sweep kan_jv at scale demo, expected kan_kv"),
        ({"sweep_digest": "0" * 64}, "decided by sweep kan_kv as 000000000000, config/sweeps.yaml now has it as"),
        ({"winner": winner | {"train_lr": -1.0}}, "winner.train_lr: -1.0 is less than or equal to the minimum of 0"),
        ({"winner": winner | {"train_budget": 0}}, "winner.train_budget: 0 is less than the minimum of 1"),
        ({"winner": winner | {"train_lr": 3e-5}}, "its winner is "),
    ):
        content = path.read_bytes()
        edit(path, lambda data: data.update(change))  # noqa: B023 - called at once
        assert main(train) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1
        path.write_bytes(content)
    edit(path, lambda data: data.update(note="mine"), seal=False)
    assert main(train) == 2
    assert "edited or damaged" in capsys.readouterr().err


def test_a_table_of_the_sweeps_there_are(folder, tmp_path, capsys):
    for slot in ("stage1/i0_j0", "stage1/i1_j0"):
        assert run(slot) == 0
    assert select(1) == 0
    assert main(["report", "table", "13"]) == 0
    text = (tmp_path / "results/demo/tables/table_13.md").read_text()
    assert "26 of 26 sweeps were not run to the end." in text
    assert main(["report", "table", "12"]) == 0
    assert "| kan_kv | 4,000 epochs | 1e-4 of" in (tmp_path / "results/demo/tables/table_12.md").read_text()


@pytest.mark.parametrize(
    ("options", "sentence", "place"),
    [
        (["--hyperparameters", "swept"], "; hyperparameters: selected by our own sweeps at this scale", "demo-swept"),
        (["--report-seeds", "fresh"], "; seeds: fresh, used by no search", "demo"),
        ([], "", "demo"),
    ],
)
def test_captions_say_whose_hyperparameters_and_seeds(folder, tmp_path, monkeypatch, options, sentence, place):
    seen = {}

    def publish(name, **facts):
        from uhn.reporting.published import Published

        seen.update(facts)
        return Published([], [])

    monkeypatch.setattr("uhn.reporting.publish_table.publish_table", publish)
    assert main(["report", "table", "11", *options]) == 0
    assert seen["scale_label"] == f"test scale: a few steps{sentence}"
    assert seen["folder"].parts[:3] == ("results", place, "runs") and seen["out"].parts[1] == place
    assert seen["seeds"]["kan_kv", "uhn"] == ([23547] if "fresh" in options else [21962])
