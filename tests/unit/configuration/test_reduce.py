"""Reductions by hand, and what the scales make of the settings."""

from dataclasses import replace

import pytest

from uhn.configuration.generators import ChunkedConfig, HAConfig
from uhn.configuration.published import published_run
from uhn.configuration.reduce import reduce_run
from uhn.configuration.resolve import load_defaults, load_experiment, load_scale, resolve
from uhn.paths import config_dir
from uhn.reporting.table_definitions import result_tables

PAIRS = sorted({pair for table in result_tables().values() for pair in table.runs})


def published(setting, variant="uhn"):
    return published_run(load_experiment(setting), load_defaults(), variant, 21962)


def reduced(run, longest=None, **reduction):
    scale = {"tasks": {task.kind: reduction for task in run.tasks}}
    return reduce_run(run, scale, warmup_steps=1000, longest=longest)


def with_lengths(run, budget, steps):
    return replace(run, train=replace(run.train, budget=budget), init=replace(run.init, steps=steps))


def test_nothing_is_reduced_without_a_reduction():
    for setting in ("kan_kv", "cnn_mixed_width", "multi_task", "recursion_k3"):
        assert reduced(published(setting)) == published(setting)


def test_schedules_shrink_by_fraction_then_limit():
    """MNIST MLP: 100 epochs with 5 of warm-up, 100 initialisation steps."""
    run = published("mnist_mlp")
    shorter = reduced(run, train_fraction=0.37, init_fraction=0.5)
    assert (shorter.train.budget, shorter.train.warmup, shorter.init.steps) == (37, 5, 50)
    shorter = reduced(run, train_fraction=0.5, train_limit=8, init_limit=30)
    assert (shorter.train.budget, shorter.train.warmup, shorter.init.steps) == (8, 2, 30)
    shorter = reduced(run, train_limit=500, init_fraction=0.001)
    assert (shorter.train.budget, shorter.train.warmup, shorter.init.steps) == (100, 5, 1)


def test_a_limit_holds_for_the_longest_candidate_and_shortens_the_others_in_proportion():
    run = published("mnist_mlp")
    longest = with_lengths(run, 200, 400)
    shorter = reduced(with_lengths(run, 50, 100), longest, train_fraction=0.5, train_limit=20, init_limit=40)
    assert (shorter.train.budget, shorter.init.steps) == (5, 10)
    steps = reduced(with_lengths(run, 50, 100), longest, train_steps=800).train
    assert (steps.unit, steps.budget, steps.warmup) == ("steps", 200, 50)


def test_each_level_of_a_chain_has_as_many_steps():
    """K = 2: 6,000 steps of three levels with a warm-up of 1,000; 100 in all are 33 a level, a quarter of them warm."""
    init = reduced(published("recursion_k2"), init_limit=100, lr_factor={"uhn": 3.0}).init
    assert (init.steps, init.warmup_steps, init.clip_norm) == (99, 8, 0.01)
    assert init.lr == pytest.approx((6e-5, 6e-5, 3e-5))


def test_generators_and_targets_shrink():
    run = reduced(
        published("mnist_mlp"),
        hypernetwork_divisor={"index_frequencies": 8, "hidden_dim": 128},
        targets={"width_divisor": 4},
        batch_size=32,
    )
    assert (run.hypernetwork.index_frequencies, run.hypernetwork.hidden_dim) == (1024 // 8, 1)
    assert (run.tasks[0].reduction.width_divisor, run.tasks[0].batch_size) == (4, 32)
    assert reduced(published("cora_gcn"), batch_size=32).tasks[0].batch_size is None
    ha = reduced(published("cifar10_cnn20", "ha"), ha={"block_size": 4}, lr_factor={"ha": 5.0})
    assert (ha.hypernetwork, ha.train.lr) == (HAConfig(4, 188, 188), pytest.approx(0.01))
    chunked = reduced(published("cifar10_cnn20", "chunked"), chunked={"chunk_size": 500, "embedding_dim": 16})
    assert chunked.hypernetwork == ChunkedConfig(500, 16, (100, 100))


def test_equal_shares():
    shares = [task.probability for task in reduced(published("multi_task"), equal_shares=True).tasks]
    assert shares == [1 / 6] * 6


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
