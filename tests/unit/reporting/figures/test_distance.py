"""Lost accuracy against distance."""

import numpy as np
import pandas as pd
import pytest
from synthetic_figures import SEEDS
from synthetic_results import record, write

from uhn.reporting.figures.distance import rank_correlation


def test_distance_compares_with_the_seen_models_of_the_same_run(runs, lines_of):
    def model(name, split, accuracy, distance):
        entry = {"name": f"cnn_mixed_depth/{name}", "split": split, "parameters": 10, "summary": "s"}
        return entry | {"metrics": {"accuracy": accuracy, "loss": 1.0}, "distance": distance}

    for k, seed in enumerate(SEEDS):
        seen = [model(0, "seen", 0.8 + 0.1 * k, 0.0), model(1, "seen", 0.9 + 0.1 * k, 0.0)]
        unseen = [model(2, "unseen", 0.8 + 0.1 * k, 1.0), model(3, "unseen", 0.7, 2.0), model(4, "unseen", 0.75, 1.5)]
        write(runs, record("cnn_mixed_depth", "uhn", seed, 0.0, metrics={}, models=seen + unseen))
    lines = [line for line in lines_of("distance") if line["family"] == "cnn_mixed_depth"]
    assert [line["model"][-1] for line in lines] == ["2", "3", "4"]
    assert [float(line["gap_mean"]) for line in lines] == pytest.approx([0.05, 0.2, 0.15])
    assert float(lines[1]["gap_std"]) == pytest.approx(0.1 / 2**0.5)
    assert {float(line["rank_correlation"]) for line in lines} == {1.0}


def test_rank_correlation_of_known_cases():
    one = pd.Series([1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(one, pd.Series([1.0, 10.0, 100.0, 1000.0])) == pytest.approx(1)
    # d = 1 -1 0 0: 1 - 6 * 2 / (4 * 15) = 0.8
    assert rank_correlation(one, pd.Series([2.0, 1.0, 3.0, 4.0])) == pytest.approx(0.8)
    assert np.isnan(rank_correlation(one, pd.Series([5.0] * 4)))
    assert np.isnan(rank_correlation(one[:2], one[:2]))
