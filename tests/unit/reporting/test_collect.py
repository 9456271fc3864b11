"""Reading runs: missing, damaged and misplaced result files."""

import shutil
from dataclasses import replace

import pytest
from run_files import edit, write_run
from synthetic_results import record, write

from uhn.errors import UserError
from uhn.reporting.collect import collect, mixture_warnings
from uhn.sweeps.expected import Expectation

PAIRS = [("kan_kv", "direct"), ("kan_kv", "uhn"), ("kan_jv", "direct"), ("kan_jv", "uhn")]


def damage(runs, change):
    """Change one result file and return its path."""
    path = runs / "kan_kv" / "uhn" / "seed2" / "result.json"
    edit(path, change)
    return path


def test_all_seed_folders_are_read_in_numerical_order(runs):
    write(runs, record("kan_kv", "uhn", 10, 0.01))
    (runs / "kan_kv" / "uhn" / "notes").mkdir()
    results = collect(PAIRS, runs, "demo")
    assert list(results) == PAIRS
    assert [run.key for run in results["kan_kv", "uhn"]] == [f"kan_kv/uhn/seed{k}" for k in (1, 2, 3, 10)]
    assert [run.diverged for run in results["kan_jv", "uhn"]] == [False, True, False]


def test_named_seeds_only(runs):
    results = collect(PAIRS, runs, "demo", seeds={pair: [3, 1, 3] for pair in PAIRS})
    assert [run.key for run in results["kan_kv", "uhn"]] == ["kan_kv/uhn/seed1", "kan_kv/uhn/seed3"]


def test_the_first_missing_file_and_its_command(runs):
    shutil.rmtree(runs / "kan_kv" / "uhn")
    shutil.rmtree(runs / "kan_jv" / "uhn")
    folder = runs / "kan_kv" / "uhn" / "seed1"
    with pytest.raises(UserError) as caught:
        collect(PAIRS, runs, "demo")
    assert str(caught.value) == (
        f"{folder / 'result.json'}: missing (and 1 more); make it with: uhn train "
        f"--setting kan_kv --variant uhn --seed 1 --scale demo --out {folder} && uhn evaluate {folder}"
    )


def test_a_seed_folder_without_a_result_is_not_passed_over(runs):
    (runs / "kan_jv" / "uhn" / "seed3" / "result.json").unlink()
    with pytest.raises(UserError, match=r"kan_jv/uhn/seed3/result\.json: missing; make it"):
        collect(PAIRS, runs, "demo")


def test_a_wanted_seed_that_was_never_run(runs):
    with pytest.raises(UserError, match=r"kan_kv/direct/seed9/result\.json: missing \(and 3 more\)"):
        collect(PAIRS, runs, "demo", seeds={pair: [1, 9] for pair in PAIRS})


def test_no_runs_at_all(tmp_path):
    with pytest.raises(UserError, match=r"seedK/result\.json: missing \(and 3 more\).*--seed K"):
        collect(PAIRS, tmp_path, "demo")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data.pop("cost"), "'cost' is a required property"),
        (lambda data: data.update(extra=1), "unknown key 'extra'; expected schema_version, "),
        (lambda data: data.update(seed=3), "seed is 3, expected 2 as in run.json"),
        (lambda data: data.update(scale="lite"), "scale is 'lite', expected 'demo' as in run.json"),
        (lambda data: data.update(config_digest="0" * 64), "belongs to run 000000000000, expected"),
        (
            lambda data: data.update(metrics={"test/rmse": -1.0}),
            "test/rmse: -1.0 is less than the minimum of 0",
        ),
        (lambda data: data.update(metrics={"test/accuracy": 1.5}), "1.5 is greater than the maximum of 1"),
        (lambda data: data.update(seed=10**400), "seed: 1000"),
    ],
)
def test_unusable_results_are_named(runs, change, message):
    path = damage(runs, change)
    with pytest.raises(UserError, match=message) as caught:
        collect(PAIRS, runs, "demo")
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_truncated_result_is_named(runs):
    path = damage(runs, lambda data: None)
    path.write_text(path.read_text()[:-40])
    with pytest.raises(UserError, match="not a readable JSON file") as caught:
        collect(PAIRS, runs, "demo")
    assert str(caught.value).startswith(f"{path}: ")


def test_a_missing_or_infinite_metric(runs):
    damage(runs, lambda data: data.update(metrics={"test/loss": 0.5}))
    run = collect(PAIRS, runs, "demo")["kan_kv", "uhn"][1]
    with pytest.raises(UserError, match=r"no metric test/rmse \(it has test/loss\)"):
        run.metric("test/rmse")
    damage(runs, lambda data: data.update(metrics={"test/loss": float("inf")}))
    with pytest.raises(UserError, match=r"not a readable JSON file \(Infinity is no JSON number\)"):
        collect(PAIRS, runs, "demo")


def test_mixed_code_versions_warn_and_mixed_sources_do_not(runs):
    assert mixture_warnings({}) == mixture_warnings(collect(PAIRS, runs, "demo")) == []
    write(runs, record("kan_kv", "uhn", 2, 0.01, source_digest="abc"))
    results = collect(PAIRS, runs, "demo")
    assert len({run.record["source_digest"] for group in results.values() for run in group}) == 2
    assert mixture_warnings(results) == []
    write(runs, record("kan_kv", "uhn", 2, 0.01, code_version=2))
    assert mixture_warnings(collect(PAIRS, runs, "demo"), "figure") == [
        "The runs of this figure mix 2 code versions (1, 2) and are not strictly comparable."
    ]


def test_several_devices_and_numbers_of_threads_warn(runs):
    """F10, F11: threads within a cell, devices within a table."""
    cost = record("kan_kv", "uhn", 2, 0.01)["cost"]
    write(runs, record("kan_kv", "uhn", 2, 0.01, cost=cost | {"threads": 4}))
    write(runs, record("kan_jv", "uhn", 1, 0.01, cost=cost | {"device": "cuda"}))
    assert mixture_warnings(collect(PAIRS, runs, "demo")) == [
        "The runs of this table mix 2 devices (cpu, cuda) and are not strictly comparable.",
        "The runs of kan_kv/uhn had different numbers of threads: 1, 4.",
    ]


@pytest.fixture
def official(tmp_path):
    """The runs of kan_kv that config/ resolves to, with two seeds."""
    expected = Expectation("demo")
    for variant in ("direct", "uhn"):
        for seed in (1, 2):
            write_run(tmp_path / "kan_kv" / variant / f"seed{seed}", expected.config("kan_kv", variant, seed))
    return tmp_path


def test_runs_of_the_configuration_are_taken(official):
    results = collect([("kan_kv", "uhn")], official, "demo", expected=Expectation("demo"))
    assert [run.mixed for run in results["kan_kv", "uhn"]] == [None, None]


def test_a_run_of_other_hyperparameters_is_refused_or_marked(official):
    """F1: in the right place, with the right name, of another configuration."""
    config = Expectation("demo").config("kan_kv", "uhn", 2)
    lr = config.train.lr
    folder = official / "kan_kv/uhn/seed2"
    write_run(folder, replace(config, train=replace(config.train, lr=0.3)))
    with pytest.raises(UserError) as caught:
        collect([("kan_kv", "uhn")], official, "demo", expected=Expectation("demo"))
    assert str(caught.value).startswith(f"{folder}: train.lr is 0.3, expected {lr}; rerun its job")
    assert "--allow-mixed" in str(caught.value) and "\n" not in str(caught.value)
    results = collect([("kan_kv", "uhn")], official, "demo", expected=Expectation("demo"), allow_mixed=True)
    assert [run.mixed for run in results["kan_kv", "uhn"]] == [None, f"train.lr is 0.3, expected {lr}"]
    assert mixture_warnings(results) == [
        f"† Of another configuration than expected: kan_kv/uhn/seed2 (train.lr is 0.3, expected {lr})."
    ]


def test_two_sources_of_data_in_one_table_are_mixed(tmp_path):
    """A run on the published files where stand-ins are expected, and the other way round."""
    write_run(tmp_path / "mnist_mlp/uhn/seed1", Expectation("demo", "download").config("mnist_mlp", "uhn", 1))
    pairs = [("mnist_mlp", "uhn")]
    assert collect(pairs, tmp_path, "demo", expected=Expectation("demo", "/my/data"))
    with pytest.raises(UserError, match="source is published, expected standin"):
        collect(pairs, tmp_path, "demo", expected=Expectation("demo"))


def test_damage_is_never_taken_as_a_mixture(official):
    edit(official / "kan_kv/uhn/seed2/result.json", lambda data: data["metrics"].update({"test/rmse": 0.0}), seal=False)
    with pytest.raises(UserError, match="edited or damaged"):
        collect([("kan_kv", "uhn")], official, "demo", expected=Expectation("demo"), allow_mixed=True)
