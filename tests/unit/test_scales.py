"""What the scales say of the settings."""

import pytest

from uhn.configuration.resolve import Longest, load_experiment, load_scale, resolve
from uhn.paths import config_dir
from uhn.reporting.table_definitions import result_tables

PAIRS = sorted({pair for table in result_tables().values() for pair in table.runs})


@pytest.mark.parametrize("scale", ["demo", "cpu", "lite", "paper"])
def test_settings_that_a_scale_names_exist(scale):
    known = {path.stem for path in (config_dir() / "experiments").glob("*.yaml")}
    assert set(load_scale(scale).get("settings", {})) <= known


@pytest.mark.parametrize("pair", PAIRS, ids="/".join)
def test_lite_runs_have_the_papers_networks_and_shorter_schedules(pair):
    setting, variant = pair
    lite, paper = (resolve(load_experiment(setting), variant, 21962, scale) for scale in ("lite", "paper"))
    assert (lite.tasks, lite.hypernetwork) == (paper.tasks, paper.hypernetwork)
    assert (lite.train.lr, lite.train.clip_norm) == (paper.train.lr, paper.train.clip_norm)
    graphs = {task.kind for task in lite.tasks} == {"node_classification"}
    assert lite.train.budget == paper.train.budget if graphs else lite.train.budget < paper.train.budget
    if lite.init is not None:
        assert lite.init.lr == paper.init.lr


@pytest.mark.parametrize(
    ("setting", "variant", "units"),
    [
        ("cifar10_cnn20", "uhn", 40),
        ("cifar10_cnn20", "direct", 20),
        ("mnist_mlp", "uhn", 50),
        ("cnn_mixed_width", "uhn", 80),
        ("transformer_mixed", "uhn", 25),
        ("multi_task", "uhn", 40_000),
        ("multi_task", "uhn_pcgrad", 6_667),
        ("recursion_k3", "uhn", 9_000),
        ("citeseer_gcn", "half_precision_phases", 200),
    ],
)
def test_lite_budgets(setting, variant, units):
    assert resolve(load_experiment(setting), variant, 21962, "lite").train.budget == units


def test_a_step_of_gradient_surgery_counts_for_six_at_every_scale():
    for scale in ("demo", "lite", "paper"):
        plain, surgery = (resolve(load_experiment("multi_task"), v, 21962, scale) for v in ("uhn", "uhn_pcgrad"))
        assert abs(6 * surgery.train.budget - plain.train.budget) <= 6


def test_steps_in_place_of_epochs():
    """So few epochs that a schedule by epochs would neither warm up nor decay."""
    train = resolve(load_experiment("cnn_mixed_depth"), "uhn", 21962, "cpu").train
    limit = load_scale("cpu")["settings"]["cnn_mixed_depth"]["train_steps"]
    assert (train.unit, train.budget) == ("steps", limit)
    assert 0 < train.warmup == limit // 4
    graph = resolve(load_experiment("cora_gcn"), "uhn", 21962, "cpu").train
    assert (graph.unit, graph.budget, graph.warmup) == ("epochs", 400, 5)
    longest = Longest(train=6400)  # of a search whose longest candidate has twice the epochs
    tuned = resolve(load_experiment("cnn_mixed_depth"), "uhn", 21962, "cpu", longest=longest).train
    assert (tuned.unit, tuned.budget) == ("steps", limit // 2)
