"""The commands as a user calls them."""

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from cli_process import REPOSITORY, uhn

from uhn.benchmarks.step_times import StepTimes
from uhn.cli import main
from uhn.models.registry import build_model
from uhn.training.cost import StepSeconds


def test_train_then_evaluate(tmp_path):
    done = uhn(
        *("train", "--setting", "kan_lpmv2", "--variant", "direct", "--seed", "21962", "--out", "run"), cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"kan_lpmv2/direct/seed21962: trained in [\d.]+ s; next: uhn evaluate run\n", done.stdout)
    done = uhn("evaluate", "run", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    (line,) = done.stdout.splitlines()
    assert line.startswith("run/result.json: ") and f"test/rmse {result['metrics']['test/rmse']:.4g}" in line
    assert result["setting"] == "kan_lpmv2" and result["metrics"]["test/rmse"] < 0.1


def test_describe_as_json_and_index_table(tmp_path):
    done = uhn("describe", "kan_jv", "--json", "--index-table", "table.npy", cwd=tmp_path)
    description = json.loads(done.stdout)
    assert list(description) == [
        *("name", "num_params", "layers", "global_row"),
        *("index_min", "index_max", "structure_min", "structure_max"),
    ]
    assert (description["name"], description["num_params"]) == ("kan_jv", 364)
    assert [c["shape"] for c in description["layers"][0]["components"]][2] == [5, 2, 13]
    assert [len(layer["local_row"]) for layer in description["layers"]] == [21, 21]
    assert [len(description[key]) for key in list(description)[3:]] == [8, 10, 10, 29, 29]
    np.testing.assert_array_equal(np.load(tmp_path / "table.npy"), build_model("kan_jv").index_table())


def test_describe_for_people(tmp_path):
    text = uhn("describe", "kan_kv", cwd=tmp_path).stdout
    assert text.startswith("kan_kv: 254 parameters in 2 layers\n")
    assert "grid_knots     2 x 12" in text


def test_runs_lists_the_table_with_measured_costs(tmp_path, monkeypatch, capsys):
    """At 3.6 s a step, three runs of 4,200 steps take 12.6 hours. The table has 122,050 steps a seed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(StepTimes, "of_run", lambda times, config: StepSeconds(3.6, 3.6))
    assert main(["runs", "--scale", "paper", "--table", "11"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 30 + 1
    assert lines[12].split() == ["kan_kv/uhn", "3", "4,200", "254", "12.600"]
    assert lines[-1].startswith("90 runs, about 366.15 core-hours")


@pytest.mark.parametrize(
    "command", ["train", "evaluate", "generate", "describe", "runs", "data", "report", "track", "bench"]
)
def test_every_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert f"uhn {command} " in capsys.readouterr().out.split("example", 1)[1]


def test_a_reader_that_stops_early_is_no_error(tmp_path):
    command = f"{sys.executable} -m uhn describe generated_uhn --json | head -c 5"
    done = subprocess.run(
        command,
        shell=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ('{"nam', "")
