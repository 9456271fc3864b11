"""A copy of the pipeline to build in, with a few rows of its tables and very short runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]

SHORT_DEMO = """label: "test scale: a few steps"
data: standin
num_seeds: 2
tasks:
  formula_regression:
    train_fraction: 0.01
    init_fraction: 0.1
    lr_factor: {uhn: 20.0}
    hypernetwork_divisor: {index_frequencies: 64, hidden_dim: 8}
  image_classification: &short
    train_limit: 1
    init_limit: 12
    batch_size: 128
    hypernetwork_divisor: {index_frequencies: 64, hidden_dim: 8}
    targets: {width_divisor: 4, depth_divisor: 2, members: 8}
    ha: {block_size: 4, embedding_dim: 8, hidden_dim: 8}
    chunked: {chunk_size: 500, embedding_dim: 8}
  text_classification: *short
settings:
  recursion_k1: {train_limit: 6, init_limit: 12}
"""


class Pipeline:
    """A working copy and the ways to run it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {"PYTHONPATH": str(folder)}

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start Snakemake as `make` does, in a process group of its own."""
        return subprocess.Popen(
            [sys.executable, "workflow/scripts/run_dag.py", *arguments],
            cwd=self.folder,
            env=self.environment,
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


def keep_rows(pipeline, **rows):
    """Drop all tables but those named ``table_<nn>``, and all their rows but those with the given ids."""
    for path in (pipeline.folder / "config" / "tables").glob("*.yaml"):
        if path.stem in rows:
            definition = yaml.safe_load(path.read_text())
            definition["rows"] = [row for row in definition["rows"] if row["id"] in rows[path.stem]]
            path.write_text(yaml.safe_dump(definition))
        else:
            path.unlink()


def keep_series(pipeline, **series):
    """Drop all figures but those named, and all their series but those with the given ids; None keeps all."""
    for path in (pipeline.folder / "config" / "figures").glob("*.yaml"):
        if path.stem in series:
            definition = yaml.safe_load(path.read_text())
            if series[path.stem]:
                definition["series"] = [one for one in definition["series"] if one["id"] in series[path.stem]]
            path.write_text(yaml.safe_dump(definition))
        else:
            path.unlink()


@pytest.fixture
def short_pipeline(pipeline):
    """Two functions and one recursive chain, runs of a few steps."""
    (pipeline.folder / "config" / "scales" / "demo.yaml").write_text(SHORT_DEMO)
    keep_rows(pipeline, table_11=["kan_kv", "kan_jv"], table_05=["recursive_k1"])
    keep_series(pipeline, levels=["recursion_k1"])
    return pipeline


@pytest.fixture
def figure_pipeline(pipeline):
    """One row or series for every other kind of figure, one seed."""
    scale = SHORT_DEMO.replace("num_seeds: 2", "num_seeds: 1")
    (pipeline.folder / "config" / "scales" / "demo.yaml").write_text(scale)
    keep_rows(pipeline, table_02=["cifar10_cnn20"])
    family = ["cnn_mixed_depth"]
    keep_series(pipeline, figure_3=family, distance=family, figure_4=["gaussian_fourier"], figure_5=None, growth=None)
    return pipeline
