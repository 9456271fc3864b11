"""Files of one run, and what says that they are not."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from run_files import BASE, config_of, edit, sha256, write_run
from safetensors.numpy import load_file, save

from uhn.configuration.run import RunConfig
from uhn.errors import UserError
from uhn.runs.identity import (
    difference,
    kernel_problem,
    read_finished,
    read_identity,
    read_trained,
    refuse_other_run,
    require_code_version,
    result_problem,
    training_problem,
)

FILES = ("run.json", "metrics.jsonl", "generator.safetensors", "training.json", "result.json")


@pytest.fixture
def folder(tmp_path):
    return write_run(tmp_path / "run")


def one_line(problem):
    assert problem is not None and "\n" not in problem
    return problem


def test_a_finished_run_is_recognised_by_its_digest(folder):
    assert training_problem(folder, BASE) is result_problem(folder, BASE) is None
    assert read_trained(folder).config == read_finished(folder).config == BASE
    assert read_identity(folder)[1]["config_digest"] == BASE.digest


def test_times_and_places_do_not_matter(folder, tmp_path):
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(folder, copy, copy_function=shutil.copyfile)
    for name in FILES:
        (copy / name).touch()
    assert result_problem(copy, BASE) is None


@pytest.mark.parametrize("name", FILES)
def test_every_file_must_be_there(folder, name):
    (folder / name).unlink()
    problem = one_line(result_problem(folder, BASE))
    assert name in problem and ("missing" in problem or "no such file" in problem or "cannot be read" in problem)


@pytest.mark.parametrize("name", FILES)
def test_every_file_must_be_of_this_run(folder, tmp_path, name):
    """A valid file of the same place in another run."""
    other = write_run(tmp_path / "other", config_of(seed=2))
    shutil.copy(other / name, folder / name)
    problem = one_line(result_problem(folder, BASE))
    named = f"{config_of(seed=2).digest[:12]}, expected {BASE.digest[:12]}"
    assert named in problem or "seed is 2, expected 1" in problem or "kan_kv/uhn/seed2" in problem


@pytest.mark.parametrize("name", FILES)
def test_every_file_must_be_the_one_that_was_written(folder, tmp_path, name):
    """A valid file of the same run and configuration, trained again with other last digits."""
    lines = [{"phase": "train", "step": 0, "loss": 0.51}]
    other = write_run(tmp_path / "other", lines=lines, run={"started_at": "2026-01-01T00:00:00+00:00"})
    weights = save({"weight": np.zeros(3, np.float32)}, metadata={"run": BASE.digest})
    (other / "generator.safetensors").write_bytes(weights)
    shutil.copy(other / name, folder / name)
    problem = one_line(result_problem(folder, BASE))
    assert "differs from the file that" in problem and "expected" in problem


def test_other_hyperparameters_are_named_with_both_values(folder):
    expected = replace(BASE, train=replace(BASE.train, lr=0.5))
    problem = one_line(result_problem(folder, expected))
    assert f"train.lr is {BASE.train.lr}, expected 0.5" in problem
    changed = replace(expected, source="standin", depth=1, method="direct", precision={"cpu": "float16"})
    assert "; and " in one_line(training_problem(folder, changed))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (config_of(seed=7), "is kan_kv/uhn/seed1 at scale demo, expected kan_kv/uhn/seed7 at scale demo"),
        (config_of(scale="lite"), "is kan_kv/uhn/seed1 at scale demo, expected kan_kv/uhn/seed1 at scale lite"),
        (config_of("kan_jv"), "expected kan_jv/uhn/seed1"),
        (config_of(mode="tuning"), "expected kan_kv/uhn/seed1 at scale demo, a candidate of a sweep"),
    ],
)
def test_another_run_is_named(folder, other, message):
    assert message in one_line(training_problem(folder, other))


def test_another_code_version_is_another_run(tmp_path, monkeypatch):
    folder = write_run(tmp_path / "run")
    monkeypatch.setattr("uhn.configuration.run.CODE_VERSION", 2)
    monkeypatch.setattr("uhn.runs.identity.CODE_VERSION", 2)
    assert read_finished(folder).run["code_version"] == 1  # whole, of an earlier version
    assert difference(BASE, 1, BASE) == "code version is 1, expected 2"
    with pytest.raises(UserError, match="trained by code version 1, this release has 2; train it again"):
        require_code_version(folder, read_identity(folder)[1])


def test_a_configuration_that_was_edited_is_not_that_of_its_digest(folder):
    """F3: another data set in run.json."""
    edit(folder / "run.json", lambda run: run["config"]["tasks"][0].update(dataset="jv"))
    other = replace(BASE, tasks=(replace(BASE.tasks[0], dataset="jv"),))
    with pytest.raises(UserError, match=f"that of run {other.digest[:12]}, expected {BASE.digest[:12]} as it says"):
        read_identity(folder)


def test_names_beside_the_configuration_agree_with_it(folder):
    edit(folder / "run.json", lambda run: run.update(variant="direct"))
    with pytest.raises(UserError, match="variant is 'direct', expected 'uhn' as in its configuration"):
        read_identity(folder)


def test_a_number_that_was_edited_by_hand_is_noticed(folder):
    edit(folder / "result.json", lambda result: result["metrics"].update({"test/rmse": 0.001}), seal=False)
    assert "edited or damaged" in one_line(result_problem(folder, BASE))


def test_weights_are_not_needed_where_they_are_not_kept(tmp_path):
    folder = write_run(tmp_path / "run", weights=False)
    assert result_problem(folder, BASE, weights=False) is None
    assert "training.json: no such file" in one_line(result_problem(folder, BASE))


def test_a_candidate_keeps_its_training_but_no_weights(folder):
    (folder / "generator.safetensors").unlink()
    assert result_problem(folder, BASE, weights=False) is training_problem(folder, BASE, weights=False) is None
    assert "generator.safetensors: missing" in one_line(training_problem(folder, BASE))


@pytest.mark.parametrize("damage", [lambda text: text[:-1], lambda text: b"", lambda text: b"\xff" * 100])
def test_damaged_weights(folder, damage):
    path = folder / "generator.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    assert "generator.safetensors: differs from what was written" in one_line(training_problem(folder, BASE))


def test_a_kernel_belongs_to_the_generator_beside_it(folder):
    def write(**metadata):
        kernel = {"convs.2.weight": np.zeros((2, 2, 3, 3), np.float32)}
        (folder / "kernel.safetensors").write_bytes(save(kernel, metadata=metadata))

    generator = sha256(folder / "generator.safetensors")
    assert "kernel.safetensors: missing" in one_line(kernel_problem(folder))
    write(run=BASE.digest, generator_sha256=generator)
    assert kernel_problem(folder) is None
    write(run=BASE.digest, generator_sha256="0" * 64)
    assert f"made from generator {'0' * 12}, expected {generator[:12]}" in one_line(kernel_problem(folder))
    write(run="0" * 64, generator_sha256=generator)
    assert f"belongs to run {'0' * 12}, expected {BASE.digest[:12]}" in one_line(kernel_problem(folder))


def test_a_finished_run_is_not_replaced_by_another_one(folder, tmp_path):
    refuse_other_run(folder, replace(BASE, train=replace(BASE.train, lr=0.5)))  # the same run with another rate
    refuse_other_run(tmp_path / "nowhere", BASE)
    with pytest.raises(UserError, match="holds the finished run kan_kv/uhn/seed1 at scale demo, got kan_kv/uhn/seed2"):
        refuse_other_run(folder, config_of(seed=2))


def test_the_digest_names_the_whole_configuration(folder):
    """What the schema takes is what a configuration holds, and it is read back whole."""
    data = json.loads((folder / "run.json").read_text())["config"]
    assert RunConfig.from_dict(data) == BASE and RunConfig.from_dict(data).digest == BASE.digest
    assert load_file(folder / "generator.safetensors")["weight"].tolist() == [1, 1, 1]
