"""A copy of the pipeline to build in, with two functions of Table 11 and very short runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

SHORT_DEMO = """label: "test scale: a few steps"
num_seeds: 2
tasks:
  formula_regression:
    epochs_fraction: 0.01
    init_fraction: 0.1
    uhn_lr_factor: 20.0
    hypernetwork: {index_frequencies: 32, hidden_dim: 16}
"""


class Pipeline:
    """A working copy and the ways to run it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start Snakemake as `make` does, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "workflow/scripts/run_dag.py", *arguments],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run Snakemake to its end; stdout holds everything it printed."""
        process = self.start(*arguments)
        output, _ = process.communicate()
        return subprocess.CompletedProcess(arguments, process.returncode, output)

    def jobs(self, *arguments: str) -> dict[str, int]:
        """Return the number of jobs of each rule that a run would start."""
        output = self.run(*arguments, "--dry-run").stdout
        table = output.split("Job stats:", 1)[1] if "Job stats:" in output else ""
        return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)}


def copy_pipeline(folder: Path) -> Pipeline:
    """Copy what a clone holds and a run reads."""
    for name in ("Snakefile", "environment.yml"):
        shutil.copy(REPOSITORY / name, folder)
    for name in ("workflow", "profiles", "config", "uhn"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return Pipeline(folder)


@pytest.fixture
def pipeline(tmp_path):
    """The whole pipeline, unchanged."""
    return copy_pipeline(tmp_path)


@pytest.fixture
def short_pipeline(pipeline):
    """Two functions, runs of forty steps."""
    config = pipeline.folder / "config"
    (config / "scales" / "demo.yaml").write_text(SHORT_DEMO)
    table = config / "tables" / "table_11.yaml"
    head, rows = table.read_text().split("rows:\n")
    kept = [line for line in rows.splitlines() if "id: kan_kv," in line or "id: kan_jv," in line]
    table.write_text(head + "rows:\n" + "\n".join(kept) + "\n")
    return pipeline
