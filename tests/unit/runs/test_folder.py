"""Files of a run: layout, completeness, removal."""

import json

import pytest

from uhn.configuration.resolve import load_experiment, resolve
from uhn.errors import UserError
from uhn.runs.folder import discard_run, holds_result, holds_training, read_record, read_training, write_record

CONFIG = resolve(load_experiment("kan_kv"), "uhn", 1, "demo")
TRAINING = {"status": "completed", "reason": None, "metrics": {}, "parameters": {}, "steps": {}, "cost": {}}
TRAINING |= {"generator_sha256": ""}


@pytest.fixture
def folder(tmp_path):
    """A folder with the finished training of CONFIG."""
    run = {"config_digest": CONFIG.digest, "provenance": {"device": "cpu"}}
    (tmp_path / "run.json").write_text(json.dumps(run))
    write_record(tmp_path / "training.json", TRAINING)
    return tmp_path


def test_records_carry_the_version_of_their_layout(folder):
    assert read_training(folder) == {"schema_version": 1, **TRAINING}
    assert next(iter(json.loads((folder / "training.json").read_text()))) == "schema_version"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "has schema version None, this release reads 1; delete the file and rerun its job"),
        ('{"schema_version": 2}', "has schema version 2, this release reads 1"),
        ('{"schema_version": 1, "status": "lost"}', "training.json: .*; delete the file and rerun its job"),
        ('{"schema_version"', "not a readable JSON file"),
    ],
)
def test_other_layouts_are_refused(folder, content, message):
    (folder / "training.json").write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        read_record(folder / "training.json", "training")
    assert "\n" not in str(caught.value)


def test_a_folder_holds_what_was_finished_with_this_configuration_on_this_device(folder):
    assert holds_training(folder, CONFIG, "cpu")
    assert not holds_training(folder, CONFIG, "cuda")
    assert not holds_training(folder, resolve(load_experiment("kan_kv"), "uhn", 2, "demo"), "cpu")
    assert not holds_result(folder, CONFIG, "cpu")
    (folder / "result.json").touch()
    assert holds_result(folder, CONFIG, "cpu")
    (folder / "training.json").unlink()
    assert not holds_training(folder, CONFIG, "cpu") and not holds_result(folder, CONFIG, "cpu")


def test_a_run_is_removed_and_other_files_stay(folder):
    for name in ("result.json", "metrics.jsonl", "generator.safetensors", "candidate.json", "kernel.npy"):
        (folder / name).touch()
    discard_run(folder)
    assert {path.name for path in folder.iterdir()} == {"candidate.json", "kernel.npy"}
    discard_run(folder)
