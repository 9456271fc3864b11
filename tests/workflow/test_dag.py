"""The shape of the DAG, without running it."""

import pytest

from uhn.configuration.resolve import load_experiment, seeds_of
from uhn.reporting.figure_definitions import figure_names, load_figure
from uhn.reporting.table_definitions import result_tables

KERNEL_FIGURE = "figure_4"
DATASETS = 7  # MNIST, CIFAR-10, three graphs, two text sets; formulas are computed


def count_runs(pairs, scale):
    """Count the runs of (setting, variant) pairs, all seeds of a scale."""
    return sum(len(seeds_of(load_experiment(setting), scale)) for setting, _ in dict.fromkeys(pairs))


@pytest.mark.parametrize("scale", ["demo", "paper"])
def test_the_target_tables_builds_every_table_figure_run_and_record(pipeline, scale):
    tables, figures = result_tables(), figure_names()
    pairs = [pair for table in tables.values() for pair in table.runs]
    runs = count_runs([*pairs, *(pair for name in figures for pair in load_figure(name).runs)], scale)
    jobs = {
        "prepare_data": DATASETS,
        "train_run": runs,
        "evaluate_run": runs,
        "build_table": len(tables),
        "track_table": len(tables),
        "draw_figure": len(figures),
        "export_kernel": count_runs(load_figure(KERNEL_FIGURE).runs, scale),
        "tables": 1,
    }
    assert pipeline.jobs("tables", "--config", f"scale={scale}") == jobs | {"total": sum(jobs.values())}


def test_table_11_alone_needs_15_functions_2_methods_and_3_seeds_and_no_data(pipeline):
    runs = 15 * 2 * 3
    assert pipeline.jobs("table_11", "--config", "scale=paper") == {
        "train_run": runs,
        "evaluate_run": runs,
        "build_table": 1,
        "track_table": 1,
        "table_11": 1,
        "total": 2 * runs + 3,
    }


def test_the_graphs_of_table_1_run_with_ten_seeds_at_paper_scale(pipeline):
    jobs = pipeline.jobs("table_01", "--config", "scale=paper")
    assert jobs["train_run"] == 2 * (5 * 3 + 6 * 10)  # two methods; five image and text rows, six graphs
    assert jobs["prepare_data"] == DATASETS


def test_tables_share_runs(pipeline):
    """Tables 26 and 28 add one variant each to Table 4's mixture."""
    mixtures = pipeline.jobs("table_04", "table_26", "table_28")["train_run"]
    assert mixtures == pipeline.jobs("table_04")["train_run"] + 2 * 2


def test_tracking_can_be_switched_off(pipeline):
    assert "track_table" not in pipeline.jobs("table_11", "--config", "tracking_uri=none")


def test_one_run_can_be_asked_for(pipeline):
    target = "results/paper/runs/kan_kv/uhn/seed12345/result.json"
    assert pipeline.jobs(target) == {"train_run": 1, "evaluate_run": 1, "total": 2}


def test_a_run_on_real_files_prepares_them_once(pipeline):
    targets = [f"results/paper/runs/cora_gcn/uhn/seed{seed}/result.json" for seed in (1, 2)]
    assert pipeline.jobs(*targets) == {"prepare_data": 1, "train_run": 2, "evaluate_run": 2, "total": 5}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("scale=papr", "unknown scale 'papr'; did you mean 'paper'?"),
        ("device=gpu", "configuration: device: 'gpu' is not one of cpu, cuda"),
        ("devise=cpu", "configuration: top level: unknown key 'devise'; expected scale, "),
        ("threads_per_run=two", "configuration: threads_per_run: expected integer, got 'two'"),
        ("data=dowload", "data source 'dowload': expected 'standin', 'download' or an existing folder"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_line(pipeline, setting, message):
    done = pipeline.run("tables", "--config", setting, "--dry-run")
    assert done.returncode == 1
    assert sum(message in line for line in done.stdout.splitlines()) == 1


def test_gpu_jobs_are_counted_as_a_resource(pipeline):
    text = pipeline.run("table_11", "--config", "device=cuda", "--dry-run").stdout
    trainings = 15 * 2 * 2  # functions, variants, seeds
    assert text.count("gpu=1") == trainings + trainings  # each is evaluated there too
    assert "gpu=1" not in pipeline.run("table_11", "--dry-run").stdout


def test_lint(pipeline):
    done = pipeline.run("--lint")
    assert done.returncode == 0, done.stdout


def test_a_figure_needs_the_runs_of_its_series_and_their_curves(pipeline):
    series = "[{id: kv, label: kv, setting: kan_kv, variant: uhn}]"
    definition = f"kind: curves\ntitle: Losses\nfirst_epochs: 2\nseries: {series}\n"
    (pipeline.folder / "config" / "figures" / "losses.yaml").write_text(definition)
    jobs = {"train_run": 2, "evaluate_run": 2, "draw_figure": 1}
    assert pipeline.jobs("results/demo/figures/losses.png") == jobs | {"total": 5}


def test_figure_4_exports_a_kernel_of_each_run(pipeline):
    jobs = pipeline.jobs("results/demo/figures/figure_4.png")
    assert jobs == {"prepare_data": 1, "train_run": 6, "evaluate_run": 6, "export_kernel": 6, "draw_figure": 1} | {
        "total": 20
    }
