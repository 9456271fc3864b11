"""Estimated costs against what the published runs recorded, on a machine like theirs that does nothing else."""

import os
from statistics import fmean

import pytest
import torch

from uhn.benchmarks.step_times import StepTimes
from uhn.configuration.resolve import load_experiment, resolve
from uhn.files import read_json
from uhn.paths import REPOSITORY
from uhn.runs.provenance import cpu_model
from uhn.training.cost import run_core_hours

PUBLISHED = REPOSITORY / "results/published"
FACTOR = 1.5


@pytest.fixture(scope="module")
def times(tmp_path_factory):
    torch.set_num_threads(1)
    if os.getloadavg()[0] > (os.cpu_count() or 1) / 2:
        pytest.skip("the machine is busy, which raises CPU times")
    return StepTimes(tmp_path_factory.mktemp("scratch"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "runs",
    [
        "paper/runs/kan_kv/uhn",
        "paper/runs/kan_kv/direct",
        "paper/runs/mnist_mlp/direct",
        "paper/runs/cora_gcn/direct",
        "paper/runs/cora_gcn/uhn",
        "paper/runs/pubmed_gat/direct",
        "paper/runs/pubmed_gat/uhn",
        "cpu/runs/multi_task/uhn",
        "cpu/runs/recursion_k1/uhn",
        "cpu/runs/cnn_mixed_depth/uhn",
        "cpu/runs/transformer_mixed/uhn",
    ],
)
def test_an_estimate_is_within_a_factor_of_what_runs_took(times, runs):
    folders = sorted((PUBLISHED / runs).glob("seed*"))
    run = read_json(folders[0] / "run.json")
    if run["provenance"]["cpu"] != cpu_model():
        pytest.skip(f"the published runs had another CPU, {run['provenance']['cpu']}")
    recorded = fmean(read_json(folder / "result.json")["cost"]["cpu_s"] for folder in folders)
    config = resolve(load_experiment(run["setting"]), run["variant"], run["seed"], run["scale"])
    estimated = 3600 * run_core_hours(config, times.of_run(config))
    print(f"{runs}: estimated {estimated:.1f} s, recorded {recorded:.1f} s, ratio {estimated / recorded:.2f}")
    assert recorded / FACTOR < estimated < recorded * FACTOR
