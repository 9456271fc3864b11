"""A short job must not pay for what it does not use."""

import os
import subprocess
import sys

import pytest
from cli_process import REPOSITORY

RUN = ["--setting", "kan_lpmv2", "--seed", "1", "--config", "kan_lpmv2.yaml", "--out", "out"]
LOOP = ("runner", "fit", "step", "phases", "draws", "optimizer", "initialise", "checkpoint")
HEAVY = {"torch._dynamo", "torch._inductor", "torch_geometric", "mlflow", "matplotlib", "pandas", "scipy.sparse"}

EXPERIMENT = """
setting: kan_lpmv2
task: formula_regression
dataset: lpmv2
model: kan_lpmv2
metric: rmse
variants:
  direct: {method: direct, train: {epochs: 8, lr: 0.01}}
  uhn: {method: uhn, init: {steps: 2, lr: 1.0e-4}, train: {epochs: 8, lr: 1.0e-4}}
"""


def modules_after(folder, *commands):
    """Run commands in a process of their own; return the modules it has loaded."""
    run = "; ".join(f"main({list(command)!r})" for command in commands)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; from uhn.cli import main; {run}; print(*sys.modules)"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("variant", ["direct", "uhn"])
def test_formula_jobs_import_no_compiler_graph_library_or_tracker(tmp_path, variant):
    (tmp_path / "kan_lpmv2.yaml").write_text(EXPERIMENT)
    assert not HEAVY & modules_after(tmp_path, ["train", *RUN, "--variant", variant], ["evaluate", "out"])


@pytest.mark.parametrize(
    "command",
    [("generate", "out", "--out", "weights.safetensors"), ("evaluate", "out")],
    ids=lambda command: command[0],
)
def test_what_reads_trained_weights_does_not_load_the_training_loop(tmp_path, command):
    (tmp_path / "kan_lpmv2.yaml").write_text(EXPERIMENT)
    loop = {f"uhn.training.{name}" for name in LOOP}
    assert loop <= modules_after(tmp_path, ["train", *RUN, "--variant", "uhn"])
    modules = modules_after(tmp_path, command)
    assert "uhn.training.build" in modules and not loop & modules
