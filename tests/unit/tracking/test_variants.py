"""The summary of the runs of a variant, without a store."""

from __future__ import annotations

import math

import pytest

from uhn.tracking import content, runs, variants


def test_summary_equals_numbers_by_hand(make_run):
    values = {0: 1.0, 1: 2.0, 2: 6.0}
    members = [runs.read_run(make_run(seed=k, result={"metrics": {"test/rmse": v}})) for k, v in values.items()]
    failed = runs.read_run(make_run(seed=3, result={"status": "diverged", "reason": "nan", "metrics": {}}))
    summary = variants.summary_metrics([*members, failed])
    assert summary["test/rmse"] == 3.0
    assert summary["test/rmse_std"] == pytest.approx(math.sqrt(7), abs=1e-15)  # (4 + 1 + 9) / (3 - 1)
    assert (summary["n_seeds"], summary["n_failed"]) == (3, 1)
    assert summary["cost/wall_s"] == 12.5
    assert not {"test/rmse_n", "cost/wall_s_std"} & set(summary)
    tags = variants.summary_tags([*members, failed])
    assert (tags["uhn.status"], tags["uhn.seeds"]) == ("partly diverged", "0, 1, 2, 3")
    assert "Diverged and left out of the mean: 3." in tags["mlflow.note.content"]


def test_summary_counts_a_metric_that_a_completed_run_lacks(make_run):
    metrics = [{"test/rmse": 1.0, "test/loss": 4.0}, {"test/loss": 6.0}]
    summary = variants.summary_metrics(
        [runs.read_run(make_run(seed=k, result={"metrics": values})) for k, values in enumerate(metrics)]
    )
    assert (summary["test/rmse"], summary["test/rmse_n"]) == (1.0, 1)
    assert "test/rmse_std" not in summary
    assert (summary["test/loss"], summary["test/loss_std"]) == (5.0, math.sqrt(2))


def test_summary_keeps_the_params_that_its_runs_share(make_run):
    members = [runs.read_run(make_run(seed=k, config={"depth": k})) for k in range(2)]
    shared = variants.shared_params(members)
    assert shared["mode"] == "final" and not {"depth", "seed"} & shared.keys()
    assert shared.keys() | {"depth", "seed"} == content.params_of(members[0]).keys()


def test_a_group_of_the_seeds_of_a_variant(make_run):
    members = [runs.read_run(make_run(seed=k)) for k in (2, 0)]
    (group,) = variants.variant_groups(members)
    assert (group.key, group.name, group.is_whole) == ("demo/kan/uhn", "kan/uhn", False)
    assert [run.key for run in group.runs] == ["demo/kan/uhn/seed0", "demo/kan/uhn/seed2"]
    assert (group.start_ms, group.end_ms) == (1738324800000, 1738324812500)
