"""A short job must not pay for what it does not use."""

import os
import subprocess
import sys

from cli_process import REPOSITORY

JOB = """
import sys
from uhn.cli import main
run = ["--setting", "kan_lpmv2", "--variant", "{variant}", "--seed", "1", "--config", "kan_lpmv2.yaml"]
main(["train", *run, "--out", "out"])
main(["evaluate", "out"])
heavy = {{"torch._dynamo", "torch._inductor", "torch_geometric", "mlflow", "matplotlib", "pandas", "scipy.sparse"}}
print(sorted(heavy & set(sys.modules)))
"""

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


def test_formula_jobs_import_no_compiler_graph_library_or_tracker(tmp_path):
    (tmp_path / "kan_lpmv2.yaml").write_text(EXPERIMENT)
    for variant in ("direct", "uhn"):
        done = subprocess.run(
            [sys.executable, "-c", JOB.format(variant=variant)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "[]"
