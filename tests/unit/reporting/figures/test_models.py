"""Accuracy against size (Figure 3)."""

import pytest
from run_files import edit
from synthetic_figures import OUTLIER


def test_figure_3_has_every_model_and_one_outlier(lines_of):
    lines = lines_of("3")
    assert len(lines) == 4 * 40
    assert [line["split"] for line in lines].count("unseen") == 4 * 20
    (outlier,) = [line for line in lines if line["outlier"] == "True"]
    assert outlier["model"] == OUTLIER
    assert float(outlier["accuracy_mean"]) == pytest.approx(0.105)
    assert float(outlier["accuracy_std"]) == pytest.approx(0.01 / 2**0.5)
    assert (outlier["n"], outlier["parameters"], outlier["family"]) == ("2", "463018", "cnn_mixed_depth")


def worsen_one(data):
    lowest = next(model for model in data["models"] if model["split"] == "seen")
    lowest["metrics"]["accuracy"] = 0.09


def test_an_unseen_architecture_with_a_worse_seen_one_is_no_outlier(runs, lines_of):
    for path in (runs / "cnn_mixed_depth/uhn").rglob("result.json"):
        edit(path, worsen_one)
    assert all(line["outlier"] == "False" for line in lines_of("3"))
