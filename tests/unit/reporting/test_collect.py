"""Reading runs: missing, damaged and misplaced result files."""

import json
import shutil

import pytest
from synthetic_results import record, write

from uhn.errors import UserError
from uhn.reporting.collect import collect, version_warnings

PAIRS = [("kan_kv", "direct"), ("kan_kv", "uhn"), ("kan_jv", "direct"), ("kan_jv", "uhn")]


def damage(runs, change):
    """Change one result file and return its path."""
    path = runs / "kan_kv" / "uhn" / "seed2" / "result.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))
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
        (lambda data: data.update(schema_version=0), "schema version 0, this release reads 1"),
        (lambda data: data.pop("schema_version"), "schema version None"),
        (lambda data: data.pop("cost"), "'cost' is a required property"),
        (lambda data: data.update(extra=1), "unknown key 'extra'; expected schema_version, "),
        (lambda data: data.update(seed=3), "holds the result of kan_kv/uhn/seed3, expected kan_kv/uhn/seed2"),
        (lambda data: data.update(scale="lite"), "is a run of scale lite, expected demo"),
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
    damage(runs, lambda data: data.update(metrics={"test/loss": float("inf")}))
    run = collect(PAIRS, runs, "demo")["kan_kv", "uhn"][1]
    with pytest.raises(UserError, match=r"no metric test/rmse \(it has test/loss\)"):
        run.metric("test/rmse")
    with pytest.raises(UserError, match="test/loss is inf in a completed run"):
        run.metric("test/loss")


def test_mixed_code_versions_warn_and_mixed_sources_do_not(runs):
    def all_runs():
        return [run for group in collect(PAIRS, runs, "demo").values() for run in group]

    assert version_warnings([]) == version_warnings(all_runs()) == []
    damage(runs, lambda data: data.update(source_digest="abc"))
    assert len({run.record["source_digest"] for run in all_runs()}) == 2
    assert version_warnings(all_runs()) == []
    damage(runs, lambda data: data.update(code_version=2))
    assert version_warnings(all_runs(), "figure") == [
        "The runs of this figure mix 2 code versions (1, 2) and are not strictly comparable."
    ]
