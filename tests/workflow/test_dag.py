"""The shape of the DAG, without running it."""

import pytest

FUNCTIONS, METHODS = 15, 2


@pytest.mark.parametrize(("scale", "seeds"), [("demo", 2), ("lite", 3), ("paper", 3)])
def test_table_11_needs_every_function_method_and_seed(pipeline, scale, seeds):
    runs = FUNCTIONS * METHODS * seeds
    assert pipeline.jobs("tables", "--config", f"scale={scale}") == {
        "train_run": runs,
        "evaluate_run": runs,
        "build_table": 1,
        "track_setting": FUNCTIONS,
        "tables": 1,
        "total": 2 * runs + FUNCTIONS + 2,
    }


def test_tracking_can_be_switched_off(pipeline):
    assert "track_setting" not in pipeline.jobs("table_11", "--config", "tracking_uri=none")


def test_one_run_can_be_asked_for(pipeline):
    target = "results/paper/runs/kan_kv/uhn/seed12345/result.json"
    assert pipeline.jobs(target) == {"train_run": 1, "evaluate_run": 1, "total": 2}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("scale=papr", "unknown scale 'papr'; did you mean 'paper'?"),
        ("device=gpu", "configuration: device: 'gpu' is not one of cpu, cuda"),
        ("devise=cpu", "configuration: top level: unknown key 'devise'; expected scale, device,"),
        ("threads_per_run=two", "configuration: threads_per_run: expected integer, got 'two'"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_line(pipeline, setting, message):
    done = pipeline.run("tables", "--config", setting, "--dry-run")
    assert done.returncode == 1
    assert sum(message in line for line in done.stdout.splitlines()) == 1


def test_gpu_jobs_are_counted_as_a_resource(pipeline):
    text = pipeline.run("tables", "--config", "device=cuda", "--dry-run").stdout
    assert text.count("gpu=1") == FUNCTIONS * METHODS * 2
    assert "gpu=1" not in pipeline.run("tables", "--dry-run").stdout


def test_lint(pipeline):
    done = pipeline.run("--lint")
    assert done.returncode == 0, done.stdout


def test_a_figure_needs_the_runs_of_its_series_and_their_curves(pipeline):
    series = "[{id: kv, label: kv, setting: kan_kv, variant: uhn}]"
    definition = f"kind: curves\ntitle: Losses\nfirst_epochs: 2\nseries: {series}\n"
    (pipeline.folder / "config" / "figures" / "losses.yaml").write_text(definition)
    jobs = {"train_run": 2, "evaluate_run": 2, "draw_figure": 1}
    assert pipeline.jobs("results/demo/figures/losses.png") == jobs | {"total": 5}
    assert "draw_figure" not in pipeline.jobs("tables")
