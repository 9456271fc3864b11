"""config/sweeps.yaml against the paper: run counts, grids, selected values, seeds."""

import pytest

from uhn.configuration.resolve import load_experiment, resolve
from uhn.reporting.collect_sweeps import printed_search
from uhn.reporting.reference import load_reference
from uhn.sweeps.grids import Hyperparameters
from uhn.sweeps.load import load_sweeps
from uhn.sweeps.stages import run_counts

# sweep: runs of stages 1, 2, 3 (at most) and 4, final runs; stage 3 if no initialisation is selected
GRAPHS = ["cora_gcn", "citeseer_gcn", "pubmed_gcn", "cora_gat", "citeseer_gat", "pubmed_gat"]
FORMULAS = ["ellipj", "ellipkinc", "ellipeinc", "jv", "yv", "kv", "iv", "lpmv0", "lpmv1", "lpmv2"]
FORMULAS += ["sph_harm01", "sph_harm11", "sph_harm02", "sph_harm12", "sph_harm22"]
RUNS = {
    "mnist_mlp": ((3, 9, 8, 6, 3), 6),
    "mnist_cnn8": ((3, 9, 8, 6, 3), 6),
    "cifar10_cnn20": ((3, 9, 8, 6, 3), 6),
    **{name: ((15, 45, 40, 15, 10), 30) for name in GRAPHS},
    "agnews_transformer2l": ((3, 9, 8, 6, 3), 6),
    "imdb_transformer1l": ((3, 9, 8, 6, 3), 6),
    **{f"kan_{name}": ((3, 9, 2, 6, 3), 0) for name in FORMULAS},
    "cnn_mixed_depth": ((3, 9, 9, 6, 3), 9),
    "cnn_mixed_width": ((3, 9, 9, 6, 3), 9),
    "cnn_mixed_depth_width": ((3, 9, 9, 6, 3), 9),
    "transformer_mixed": ((3, 9, 8, 6, 3), 6),
    "multi_task": ((3, 9, 9, 6, 3), 9),
    "recursion_k1": ((3, 9, 8, 6, 3), 6),
}

# Tables 13, 15, 16, 19, 21, 22 and Section G.1: sweep -> init steps, init lr, train budget, train lr
CHOSEN = {
    "mnist_mlp": (100, 2e-4, 100, 2e-4),
    "mnist_cnn8": (200, 2e-4, 100, 1e-4),
    "cifar10_cnn20": (0, 0, 800, 2e-4),
    "cora_gcn": (200, 1e-4, 400, 2e-5),
    "citeseer_gcn": (50, 1e-4, 200, 1e-4),
    "pubmed_gcn": (200, 1e-4, 200, 5e-5),
    "cora_gat": (100, 2e-4, 400, 5e-5),
    "citeseer_gat": (200, 2e-4, 400, 5e-5),
    "pubmed_gat": (100, 2e-4, 400, 2e-5),
    "agnews_transformer2l": (0, 0, 50, 5e-5),
    "imdb_transformer1l": (100, 5e-5, 100, 1e-4),
    "kan_ellipj": (200, 1e-4, 4000, 1e-4),
    "kan_ellipkinc": (50, 2e-4, 4000, 1e-4),
    "kan_ellipeinc": (50, 1e-4, 4000, 1e-4),
    "kan_jv": (200, 2e-4, 4000, 5e-5),
    "kan_yv": (100, 2e-4, 4000, 1e-4),
    "kan_kv": (200, 2e-4, 4000, 1e-4),
    "kan_iv": (100, 5e-5, 4000, 1e-4),
    "kan_lpmv0": (200, 5e-5, 4000, 5e-5),
    "kan_lpmv1": (200, 5e-5, 4000, 5e-5),
    "kan_lpmv2": (200, 2e-4, 4000, 1e-4),
    "kan_sph_harm01": (0, 0, 4000, 1e-4),
    "kan_sph_harm11": (50, 5e-5, 4000, 5e-5),
    "kan_sph_harm02": (200, 2e-4, 4000, 2e-5),
    "kan_sph_harm12": (100, 2e-4, 4000, 1e-4),
    "kan_sph_harm22": (200, 2e-4, 4000, 2e-5),
    "cnn_mixed_depth": (12800, 2e-4, 3200, 5e-5),
    "cnn_mixed_width": (12800, 1e-4, 3200, 1e-4),
    "cnn_mixed_depth_width": (3200, 2e-4, 3200, 1e-4),
    "transformer_mixed": (8000, 2e-4, 100, 5e-5),
    "multi_task": (500, 1e-4, 200_000, 2e-5),
    "recursion_k1": (4000, 1e-4, 30_000, 2e-5),
    "mnist_mlp_direct": (0, 0, 200, 0.01),
    "mnist_cnn8_direct": (0, 0, 50, 0.005),
    "cifar10_cnn20_direct": (0, 0, 400, 0.005),
    "cora_gcn_direct": (0, 0, 100, 0.01),
    "citeseer_gcn_direct": (0, 0, 100, 0.005),
    "pubmed_gcn_direct": (0, 0, 200, 0.005),
    "cora_gat_direct": (0, 0, 100, 0.02),
    "citeseer_gat_direct": (0, 0, 200, 0.002),
    "pubmed_gat_direct": (0, 0, 200, 0.02),
    "agnews_transformer2l_direct": (0, 0, 100, 5e-4),
    "imdb_transformer1l_direct": (0, 0, 50, 0.001),
    **{f"kan_{name}_direct": (0, 0, 4000, 0.02) for name in [*FORMULAS[:7], "lpmv1", "lpmv2"]},
    "kan_lpmv0_direct": (0, 0, 4000, 0.05),
    **{f"kan_sph_harm{mn}_direct": (0, 0, 4000, 0.1) for mn in ("01", "02", "11")},
    **{f"kan_sph_harm{mn}_direct": (0, 0, 4000, 0.05) for mn in ("12", "22")},
    "cifar10_cnn20_ha": (0, 0, 800, 0.002),
    "cifar10_cnn20_chunked": (0, 0, 800, 0.002),
    "cifar10_cnn20_raw": (0, 0, 800, 2e-4),
    "cifar10_cnn20_positional": (0, 0, 800, 2e-4),
}

SWEEPS = load_sweeps("paper")
PRINTED = load_reference()


def test_every_sweep_of_the_paper_is_there():
    assert set(SWEEPS) == set(CHOSEN)
    assert {name for name, sweep in SWEEPS.items() if sweep.four_stage} == set(RUNS)
    assert len(RUNS) == 32


@pytest.mark.parametrize("name", RUNS)
def test_run_counts_of_the_paper(name):
    most, no_init = RUNS[name]
    assert tuple(run_counts(SWEEPS[name]).values()) == most
    assert run_counts(SWEEPS[name], init_won=False)["stage3"] == no_init


def test_run_counts_of_the_encodings():
    assert run_counts(SWEEPS["cifar10_cnn20_raw"]) == {"stage1": 9, "final": 3}


@pytest.mark.parametrize("name", CHOSEN)
def test_the_published_choice_is_inside_the_grids(name):
    init_steps, init_lr, budget, lr = CHOSEN[name]
    sweep = SWEEPS[name]
    assert lr in sweep.train_lr
    assert budget in sweep.train_budget
    assert (init_steps, init_lr) == (0, 0) or (init_steps in sweep.init_steps and init_lr in sweep.init_lr)


@pytest.mark.parametrize("name", SWEEPS)
def test_paper_csv_has_the_published_choice(name):
    init_steps, init_lr, budget, lr = CHOSEN[name]
    assert printed_search(SWEEPS[name], PRINTED).choice == Hyperparameters(lr, budget, init_lr, init_steps)


@pytest.mark.parametrize("name", SWEEPS)
def test_runs_at_paper_scale_have_what_paper_csv_prints(name):
    sweep, choice = SWEEPS[name], printed_search(SWEEPS[name], PRINTED).choice
    config = resolve(load_experiment(sweep.setting), sweep.variant, 21962, "paper")
    assert (config.train.lr, config.train.budget, config.train.unit) == (
        choice.train_lr,
        choice.train_budget,
        sweep.budget_unit,
    )
    init = config.init  # direct training has none; a recursive chain has one learning rate per level
    assert (init.steps if init else 0, set(init.lr) if init else {0}) == (choice.init_steps, {choice.init_lr})


@pytest.mark.parametrize("name", SWEEPS)
def test_published_grids_are_those_that_paper_csv_prints(name):
    sweep = SWEEPS[name]
    grids = printed_search(sweep, PRINTED).grids
    assert set(grids) == {"train_lr", "train_budget"} | ({"init_lr", "init_steps"} if sweep.four_stage else set())
    lost = sweep.variant in ("direct", "ha", "chunked")
    assert all(values == (() if lost else getattr(sweep, grid)) for grid, values in grids.items())


def test_grids_of_the_paper():
    lrs, fine = (5e-5, 1e-4, 2e-4), (2e-5, 5e-5, 1e-4)
    expected = {
        "mnist_mlp": (lrs, (50, 100, 200), (50, 100, 200), 100),
        "mnist_cnn8": (lrs, (30, 50, 100), (50, 100, 200), 50),
        "cifar10_cnn20": (lrs, (200, 400, 800), (50, 100, 200), 200),
        **{name: (fine, (100, 200, 400), (50, 100, 200), 200) for name in GRAPHS},
        "agnews_transformer2l": (lrs, (30, 50, 100), (50, 100, 200), 50),
        "imdb_transformer1l": (lrs, (50, 100, 200), (50, 100, 200), 100),
        **{f"kan_{name}": (fine, (4000,), (50, 100, 200), 4000) for name in FORMULAS},
        "cnn_mixed_depth": (fine, (800, 1600, 3200), (3200, 6400, 12800), 200),
        "cnn_mixed_width": (fine, (800, 1600, 3200), (3200, 6400, 12800), 200),
        "cnn_mixed_depth_width": (fine, (800, 1600, 3200), (3200, 6400, 12800), 200),
        "transformer_mixed": (fine, (50, 100, 200), (2000, 4000, 8000), 50),
        "multi_task": ((1e-5, 2e-5, 5e-5), (100_000, 200_000, 300_000), (500, 1000, 2000), 40_000),
        "recursion_k1": (fine, (15_000, 30_000, 60_000), (1000, 2000, 4000), 30_000),
    }
    for name, (train_lr, budgets, steps, pioneer) in expected.items():
        sweep = SWEEPS[name]
        assert (sweep.train_lr, sweep.train_budget, sweep.init_steps) == (train_lr, budgets, steps)
        assert (sweep.init_lr, sweep.pioneer_budget) == (lrs, pioneer)
    assert {name: sweep.budget_unit for name, sweep in SWEEPS.items() if sweep.budget_unit == "steps"} == {
        "multi_task": "steps",
        "recursion_k1": "steps",
    }


def test_guardrails_of_table_20():
    assert [(metric.name, metric.bound) for metric in SWEEPS["multi_task"].metrics] == [
        ("validation/mnist/accuracy", ">= 0.95"),
        ("validation/cifar10/accuracy", ">= 0.85"),
        ("validation/cora/accuracy", ">= 0.75"),
        ("validation/pubmed/accuracy", ">= 0.75"),
        ("validation/ag_news/accuracy", ">= 0.85"),
        ("validation/kv/rmse", "<= 0.05"),
    ]
    others = [sweep for name, sweep in SWEEPS.items() if name != "multi_task"]
    assert {(len(sweep.metrics), sweep.metrics[0].guardrail) for sweep in others} == {(1, None)}


def test_seeds_of_each_stage():
    kv, graph, raw = SWEEPS["kan_kv"], SWEEPS["pubmed_gcn"], SWEEPS["cifar10_cnn20_raw"]
    assert [kv.seeds(stage) for stage in kv.stages] == [(21962,)] * 3 + [(59358, 78117)]
    assert raw.search_seeds == (21962, 59358, 78117)
    assert graph.seeds(3) == (21962, 59358, 78117, 23547, 81797)
    assert graph.seeds(4) == (81105, 95819, 42270, 24014, 20964)


def test_the_demo_keeps_every_stage_but_few_candidates():
    demo = load_sweeps("demo")
    assert set(demo) == set(SWEEPS)
    assert {name: sweep.stages for name, sweep in demo.items()} == {n: s.stages for n, s in SWEEPS.items()}
    kv = demo["kan_kv"]
    assert (kv.train_lr, kv.train_budget, kv.init_lr, kv.init_steps) == ((5e-5, 1e-4), (4000,), (1e-4,), (50, 200))
    assert run_counts(kv) == {"stage1": 2, "stage2": 2, "stage3": 1, "stage4": 3, "final": 2}
    assert run_counts(demo["kan_kv_direct"]) == {"stage1": 2, "stage4": 2, "final": 2}
    assert all(metric.guardrail is None for sweep in demo.values() for metric in sweep.metrics)
    assert max(sum(run_counts(sweep).values()) for sweep in demo.values()) == 11
    assert load_sweeps("lite") == SWEEPS
