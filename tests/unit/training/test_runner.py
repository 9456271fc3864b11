"""Whole runs: files, determinism, exact resume, divergence, damage."""

import json
import math
import os
import shutil
from dataclasses import replace

import pytest
import torch
from run_files import write_run
from safetensors.torch import load_file
from tiny_runs import interrupt_after

from uhn.configuration.run import RunConfig, TrainConfig
from uhn.errors import UserError
from uhn.runs.folder import read_record
from uhn.runs.identity import result_problem
from uhn.runs.journal import read_journal
from uhn.training import members
from uhn.training.evaluate import evaluate_run
from uhn.training.fit import Fit
from uhn.training.runner import JobOptions, train_run
from uhn.training.signals import Interrupted

FILES = {"run.json", "metrics.jsonl", "generator.safetensors", "training.json"}


def curve(path):
    return [(e["phase"], e["step"], e["loss"], e["lr"]) for e in read_journal(path / "metrics.jsonl")]


def run(config, out, **options):
    options = {"scratch": out.parent / "scratch"} | options
    train_run(config, out, JobOptions(**options))
    evaluate_run(out)
    return read_record(out / "result.json", "result")


@pytest.mark.parametrize("variant", ["uhn", "direct"])
def test_a_run_leaves_its_files_and_learns(small_run, tmp_path, variant):
    config = small_run(variant, train=TrainConfig(150, "epochs", 0.02 if variant == "direct" else 0.002, 5))
    result = run(config, tmp_path / "out")
    assert {p.name for p in (tmp_path / "out").iterdir()} == FILES | {"result.json"}
    assert result["status"] == "completed"
    assert result["steps"] == {"init": 10 if variant == "uhn" else 0, "train": 150}
    # predicting the mean has the targets' standard deviation as its error, about 1.07
    assert result["metrics"]["test/rmse"] < 0.5
    assert result["metrics"]["test/rmse"] == pytest.approx(math.sqrt(result["metrics"]["test/loss"]))
    assert not any((tmp_path / "scratch" / "runs").iterdir())
    assert RunConfig.from_dict(read_record(tmp_path / "out" / "run.json", "run")["config"]) == config
    assert result_problem(tmp_path / "out", config) is None


@pytest.mark.parametrize("variant", ["uhn", "direct"])
def test_same_seed_same_bytes_other_seed_other_bytes(small_run, tmp_path, variant):
    config = small_run(variant)
    first, second = run(config, tmp_path / "a"), run(config, tmp_path / "b")
    assert first["metrics"] == second["metrics"]
    assert (tmp_path / "a/generator.safetensors").read_bytes() == (tmp_path / "b/generator.safetensors").read_bytes()
    other = run(replace(config, seed=59358), tmp_path / "c")
    assert other["metrics"] != first["metrics"]


@pytest.mark.parametrize("stop_after", [1, 7, 10, 11, 25, 39])
def test_interrupted_and_resumed_equals_uninterrupted(small_run, tmp_path, monkeypatch, stop_after):
    config = small_run()
    run(config, tmp_path / "whole")
    interrupt_after(monkeypatch, stop_after)
    with pytest.raises(Interrupted):
        run(config, tmp_path / "parts")
    monkeypatch.undo()
    assert not (tmp_path / "parts" / "training.json").exists()
    run(config, tmp_path / "parts", resume=True)
    for name in ("generator.safetensors",):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()
    assert curve(tmp_path / "whole") == curve(tmp_path / "parts")


def test_without_resume_a_checkpoint_is_not_used(small_run, tmp_path, monkeypatch):
    config = small_run()
    interrupt_after(monkeypatch, 20)
    with pytest.raises(Interrupted):
        run(config, tmp_path / "out")
    monkeypatch.undo()
    steps = []
    original = Fit.step
    monkeypatch.setattr(Fit, "step", lambda self: (steps.append(1), original(self)))
    run(config, tmp_path / "out")
    assert len(steps) == 40


def test_a_truncated_checkpoint_is_named_and_not_used(small_run, tmp_path, monkeypatch):
    config = small_run()
    interrupt_after(monkeypatch, 20)
    with pytest.raises(Interrupted):
        run(config, tmp_path / "out")
    monkeypatch.undo()
    (checkpoint,) = (tmp_path / "scratch" / "runs").glob("*/checkpoint")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"checkpoint: expected a complete checkpoint.*delete it"):
        run(config, tmp_path / "out", resume=True)
    assert checkpoint.exists()
    checkpoint.unlink()
    assert run(config, tmp_path / "out", resume=True)["status"] == "completed"


def test_divergence_is_a_result(small_run, tmp_path):
    config = small_run("direct", train=TrainConfig(30, "epochs", 1e30, 5))
    result = run(config, tmp_path / "out")
    assert result["status"] == "diverged"
    assert result["reason"].startswith("loss not finite at train step ")
    assert result["metrics"] == {}
    first_bad = int(result["reason"].rsplit(" ", 1)[1])
    losses = {step: loss for phase, step, loss, _ in curve(tmp_path / "out")}
    assert all(loss is not None for step, loss in losses.items() if step < first_bad)
    assert losses[first_bad] is None


def test_the_training_job_never_asks_for_test_data(small_run, tmp_path, monkeypatch):
    splits = []
    original = members.load_task
    monkeypatch.setattr(
        members, "load_task", lambda c, t, split, *rest: (splits.append(split), original(c, t, split, *rest))[1]
    )
    train_run(small_run(), tmp_path / "out", JobOptions(scratch=tmp_path / "scratch"))
    assert splits == ["train"]
    assert not any(
        key.startswith("test") for key in json.loads((tmp_path / "out/training.json").read_text())["metrics"]
    )


def test_unwritable_results_folder(small_run, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="results cannot be written there"):
        train_run(small_run(), tmp_path / "file" / "out", JobOptions(scratch=tmp_path / "scratch"))


def test_a_device_that_is_not_there(small_run, tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(UserError, match=r"device 'cuda'.*use --device cpu"):
        train_run(small_run(), tmp_path / "out", JobOptions(device="cuda", scratch=tmp_path / "scratch"))
    with pytest.raises(UserError, match="device 'gpu': expected 'cpu' or 'cuda'"):
        train_run(small_run(), tmp_path / "out", JobOptions(device="gpu", scratch=tmp_path / "scratch"))


@pytest.mark.parametrize("damage", ["truncate", "delete"])
def test_damaged_weights_are_named(small_run, tmp_path, damage):
    run(small_run(), tmp_path / "out")
    weights = tmp_path / "out" / "generator.safetensors"
    if damage == "truncate":
        weights.write_bytes(weights.read_bytes()[:-1])
    else:
        weights.unlink()
    with pytest.raises(UserError, match=r"generator\.safetensors: (differs from|missing)"):
        evaluate_run(tmp_path / "out")


def test_the_saved_generator_reproduces_the_metrics(small_run, tmp_path):
    """Recompute the test error from the file with the library's parts alone."""
    from uhn.data.formulas import load_formula
    from uhn.hypernetworks.uhn import UHN
    from uhn.models.registry import build_model

    config = small_run()
    result = run(config, tmp_path / "out")
    model = build_model("kan_kv")
    uhn = UHN(config.hypernetwork, model.ranges())
    uhn.load_state_dict(load_file(tmp_path / "out" / "generator.safetensors"))
    inputs, targets = load_formula("kv", config.seed, "test")
    with torch.no_grad():
        rmse = (model.run(uhn(model), inputs) - targets).square().mean().sqrt()
    assert result["metrics"]["test/rmse"] == pytest.approx(rmse.item(), rel=1e-5)


@pytest.mark.parametrize("fails", ["training", "test"])
def test_final_weights_that_fail_make_a_diverged_run(small_run, tmp_path, monkeypatch, fails):
    """The last loss may be finite although the weights after that step give none."""
    from uhn.training.tasks.regression import RegressionTask

    config, out = small_run(train=TrainConfig(3, "epochs", 1e-4, 1)), tmp_path / "out"
    broken = {"loss": math.inf, "rmse": 1.0}
    with monkeypatch.context() as patch:
        if fails == "training":
            patch.setattr(RegressionTask, "evaluate", lambda *_: broken)
        train_run(config, out, JobOptions(scratch=tmp_path / "scratch"))
    monkeypatch.setattr(RegressionTask, "evaluate", lambda *_: broken)
    evaluate_run(out)
    result = read_record(out / "result.json", "result")
    assert (result["status"], result["metrics"]) == ("diverged", {})
    assert result["reason"] == f"{'train' if fails == 'training' else 'test'}/loss is inf"


def test_files_of_one_run_in_the_folder_of_another_are_refused(small_run, tmp_path):
    """F3: weights and training.json of one seed beside the run.json of another."""
    for seed in (1, 2):
        run(small_run(seed=seed), tmp_path / str(seed))
    for name in ("generator.safetensors", "training.json"):
        shutil.copy(tmp_path / "1" / name, tmp_path / "2" / name)
    digests = small_run(seed=1).digest[:12], small_run(seed=2).digest[:12]
    with pytest.raises(
        UserError, match=rf"training\.json: belongs to run {digests[0]}, expected {digests[1]}"
    ) as caught:
        evaluate_run(tmp_path / "2")
    assert "\n" not in str(caught.value)


def test_a_finished_run_is_left_alone_when_it_is_resumed(small_run, tmp_path, monkeypatch):
    config, out = small_run(), tmp_path / "out"
    run(config, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    for path in out.iterdir():
        os.utime(path, (1, 1))
    with monkeypatch.context() as patch:
        patch.setattr(Fit, "step", lambda _: pytest.fail("trained again"))
        train_run(config, out, JobOptions(scratch=tmp_path / "scratch", resume=True, threads=2))
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert all((out / name).stat().st_mtime > 1 for name in FILES)  # Snakemake goes by times here


def test_a_finished_run_stays_until_its_replacement_is_complete(small_run, tmp_path, monkeypatch):
    """Another learning rate in the same folder: nothing is gone while it trains."""
    config, out = small_run(), tmp_path / "out"
    run(config, out)
    other = replace(config, train=replace(config.train, lr=2 * config.train.lr))
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt_after(patch, 20)
        run(other, out, resume=True)
    assert result_problem(out, config) is None
    assert "train.lr is" in result_problem(out, other)
    run(other, out, resume=True)
    assert result_problem(out, other) is None


def test_another_run_is_not_overwritten(small_run, tmp_path):
    run(small_run(seed=1), tmp_path / "out")
    with pytest.raises(UserError, match=r"holds the finished run kan_kv/uhn/seed1 .*, got .*seed2.*another --out"):
        run(small_run(seed=2), tmp_path / "out")
    assert result_problem(tmp_path / "out", small_run(seed=1)) is None


def test_the_checkpoint_of_another_run_is_refused(small_run, tmp_path, monkeypatch):
    """In the working folder of this one."""
    folders = []
    for seed in (1, 2):
        with monkeypatch.context() as patch, pytest.raises(Interrupted):
            interrupt_after(patch, 20)
            run(small_run(seed=seed), tmp_path / str(seed))
        (folder,) = set((tmp_path / "scratch/runs").iterdir()) - set(folders)
        folders.append(folder)
    shutil.copy(folders[0] / "checkpoint", folders[1] / "checkpoint")
    digests = small_run(seed=1).digest[:12], small_run(seed=2).digest[:12]
    with pytest.raises(UserError, match=rf"checkpoint: belongs to run {digests[0]}, expected {digests[1]}; delete it"):
        run(small_run(seed=2), tmp_path / "2", resume=True)


@pytest.mark.parametrize("damage", ["truncated", "edited", "of another run", "missing"])
def test_a_damaged_record_of_the_run_is_written_again_on_resume(small_run, tmp_path, monkeypatch, damage):
    """F7: run.json of the working folder comes from the configuration, so it can."""
    config = small_run()
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt_after(patch, 20)
        run(config, tmp_path / "out")
    (path,) = (tmp_path / "scratch/runs").glob("*/run.json")
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-9])
    elif damage == "edited":
        path.write_text(path.read_text().replace('"kv"', '"jv"'))
    elif damage == "missing":
        path.unlink()
    else:
        write_run(tmp_path / "other")
        shutil.copy(tmp_path / "other/run.json", path)
    result = run(config, tmp_path / "out", resume=True)
    assert result["status"] == "completed" and result_problem(tmp_path / "out", config) is None


def test_a_damaged_journal_is_found_when_training_goes_on(small_run, tmp_path, monkeypatch):
    config = small_run()
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt_after(patch, 20)
        run(config, tmp_path / "out")
    (path,) = (tmp_path / "scratch/runs").glob("*/metrics.jsonl")
    content = path.read_bytes()
    path.write_bytes(content[:200] + b"\x00" + content[201:])
    monkeypatch.setattr(Fit, "step", lambda _: pytest.fail("went on"))
    with pytest.raises(UserError, match=r"metrics\.jsonl, line \d+: expected"):
        run(config, tmp_path / "out", resume=True)


def test_numbers_of_threads(small_run, tmp_path):
    """F10."""
    with pytest.raises(UserError, match="threads: expected at least 1, got 0"):
        run(small_run(), tmp_path / "out", threads=0)


def test_weights_of_another_code_version_are_refused(small_run, tmp_path, monkeypatch):
    run(small_run(), tmp_path / "out")
    monkeypatch.setattr("uhn.runs.identity.CODE_VERSION", 2)
    with pytest.raises(UserError, match="out: trained by code version 1, this release has 2; train it again"):
        evaluate_run(tmp_path / "out")
