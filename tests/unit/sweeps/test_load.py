"""Reading config/sweeps.yaml: mistakes are explained; no heavy library is imported."""

import subprocess
import sys

import pytest
import yaml

from uhn.errors import UserError
from uhn.paths import config_dir
from uhn.sweeps.load import load_sweep, load_sweeps, load_tuning


def test_an_unknown_sweep_is_named_with_a_hint():
    with pytest.raises(UserError, match="unknown sweep 'kan_kw'; did you mean 'kan_"):
        load_sweep("kan_kw", "paper")


def remove_pioneer(data):
    del data["groups"][0]["pioneer_budget"]


def pioneer_in_a_grid_search(data):
    group = next(group for group in data["groups"] if group["search"] == "grid")
    group["pioneer_budget"] = 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (remove_pioneer, "'pioneer_budget' is a required property"),
        (pioneer_in_a_grid_search, "pioneer_budget: not allowed here"),
        (lambda d: d["groups"].append(d["groups"][0]), "two groups tune variant 'uhn' of mnist_mlp; keep one"),
        (lambda d: d["groups"][0].update(train_lr=["1e-4"]), r"train_lr.0: expected number, got '1e-4' \(a string"),
        (lambda d: d["groups"][0].update(lr=[1.0]), "unknown key 'lr'"),
        (lambda d: d["groups"][0]["metrics"][0].update(name="test/accuracy"), "'test/accuracy' does not match"),
        (lambda d: d["groups"][0]["num_seeds"].update(extra=20), "sweep mnist_mlp: needs 21 seeds, the list has 20"),
        (
            lambda d: d["smaller_searches"].update(paper=d["smaller_searches"]["demo"] | {"keep": {"init_lr": [3]}}),
            "sweep mnist_mlp: smaller_searches keeps position 3 of init_lr, which has 3 values",
        ),
    ],
)
def test_malformed_files_are_explained(tmp_path, change, message):
    data = yaml.safe_load((config_dir() / "sweeps.yaml").read_text())
    change(data)
    path = tmp_path / "sweeps.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(UserError, match=message) as caught:
        load_sweeps("paper", path)
    assert "\n" not in str(caught.value)


def test_a_run_that_no_sweep_decides_on():
    with pytest.raises(UserError, match="no sweep decides on kan_kv/uhm"):
        load_tuning("kan_kv", "uhm", "paper")


def test_sweeps_import_nothing_heavy():
    code = "import sys, uhn.sweeps.load, uhn.sweeps.stages; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "uhn.sweeps.selection" in loaded
    assert not {"torch", "numpy", "scipy", "pandas", "matplotlib", "mlflow"} & set(loaded)
