"""JSON files of a run: version, layout, seal; removal."""

import json

import pytest
from run_files import edit, write_run

from uhn.errors import UserError
from uhn.runs.folder import discard_run, read_result, read_run, read_training, seal_of, write_record


@pytest.fixture
def folder(tmp_path):
    return write_run(tmp_path / "run")


def test_records_begin_with_their_version_and_end_with_their_seal(folder):
    for name in ("run", "training", "result"):
        data = json.loads((folder / f"{name}.json").read_text())
        assert (next(iter(data)), data["schema_version"]) == ("schema_version", 2)
        assert list(data)[-1] == "content_sha256" and data["content_sha256"] == seal_of(data)


def test_the_seal_is_over_the_content_alone(folder):
    """Order of keys, white space and line ends do not matter; any value does."""
    path = folder / "result.json"
    data = read_result(folder)
    path.write_text(json.dumps(dict(reversed(data.items())), indent=7).replace("\n", "\r\n"))
    assert read_result(folder) == data
    edit(path, lambda record: record["cost"].update(wall_s=2.5), seal=False)
    with pytest.raises(UserError, match=r"result\.json: edited or damaged, its content has sha256 .{12}, expected"):
        read_result(folder)
    write_record(path, data | {"reason": "other"})
    assert read_result(folder)["content_sha256"] != data["content_sha256"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[]", "has schema version None, this release reads 2; delete the file and rerun its job"),
        (b'{"schema_version": 3}', "has schema version 3, this release reads 2; delete the file and rerun its job"),
        (b'{"schema_version": true}', "has schema version True, this release reads 2"),
        (b'{"schema_version": 1}', "has schema version 1, this release reads 2; bring it there with: uhn migrate "),
        (b'{"schema_version": 2, "status": "lost"}', "training.json: .*; delete the file and rerun its job"),
        (b'{"schema_version"', "not a readable JSON file"),
        (b'{"schema_version": 2, "cost": NaN}', r"not a readable JSON file \(NaN is no JSON number\)"),
        (b'{"schema_version": ' + b"9" * 5000 + b"}", "not a readable JSON file"),
        (b"[" * 100_000, r"not a readable JSON file \(nested too deeply\)"),
        (b"\xff\xfe\x00", "not a readable JSON file"),
    ],
)
def test_other_layouts_are_refused_in_one_line(folder, content, message):
    (folder / "training.json").write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_training(folder)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("run", lambda d: d["config"]["hypernetwork"].update(blocks=10**30), "config.hypernetwork.blocks: 1000"),
        ("run", lambda d: d["config"]["hypernetwork"].update(index_frequencies=0), "0 is less than the minimum of 1"),
        ("run", lambda d: d["config"]["train"].update(budget=0), "config.train.budget: 0 is less than the minimum"),
        ("run", lambda d: d["config"]["train"].update(lr=-1.0), "config.train.lr: -1.0 is less than or equal"),
        ("run", lambda d: d["config"].update(depth=10**400), "config.depth: 1000"),
        ("run", lambda d: d.update(seed=-1), "seed: -1 is less than the minimum of 0"),
        ("result", lambda d: d["metrics"].update({"test/rmse": -1.0}), "-1.0 is less than the minimum of 0"),
        ("result", lambda d: d["metrics"].update({"test/kv/rmse": -1}), "-1 is less than the minimum of 0"),
        ("result", lambda d: d["metrics"].update({"test/accuracy": 1.01}), "1.01 is greater than the maximum of 1"),
        ("result", lambda d: d["metrics"].update({"test/rmse": 10**400}), "metrics.test/rmse: 1000"),
        ("result", lambda d: d["cost"].update(threads=0), "cost.threads: 0 is less than the minimum of 1"),
        ("result", lambda d: d["parameters"]["run"].update(target=-5), "parameters.run.target: -5 is less than"),
        ("training", lambda d: d["steps"].update(train=-1), "steps.train: -1 is less than the minimum of 0"),
        ("training", lambda d: d.update(generator_sha256="abc"), "generator_sha256: 'abc' does not match"),
    ],
)
def test_numbers_outside_their_kind_are_refused(folder, name, change, message):
    """F10; the seal is no way around the bounds."""
    edit(folder / f"{name}.json", change)
    with pytest.raises(UserError, match=message) as caught:
        {"run": read_run, "training": read_training, "result": read_result}[name](folder)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 1000


def test_a_run_is_removed_and_other_files_stay(folder):
    for name in ("candidate.json", "kernel.safetensors"):
        (folder / name).touch()
    discard_run(folder)
    assert {path.name for path in folder.iterdir()} == {"candidate.json", "kernel.safetensors"}
    discard_run(folder)
