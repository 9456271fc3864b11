"""Per-model results and outliers among them."""

import pytest
from synthetic_figures import SEEDS
from synthetic_results import record, write

from uhn.errors import UserError
from uhn.reporting.figures.architectures import outliers


def test_outliers_are_five_robust_deviations_below_the_median():
    # median 5, absolute deviations 4 3 2 1 0 1 2 3 4: MAD 2, limit 5 * 1.4826 * 2 = 14.826
    values = [1.0, 2, 3, 4, 5, 6, 7, 8, 9]
    assert not any(outliers(values))
    assert outliers([5 - 14.9, *values[1:]])[0]
    assert not outliers([5 - 14.7, *values[1:]])[0]
    assert not any(outliers([*values[:-1], 100.0]))


def test_runs_without_per_model_results(runs, publish):
    write(runs, record("cnn_mixed_width", "uhn", SEEDS[0], 0.0, metrics={}))
    with pytest.raises(UserError, match=r"seed21962/result\.json: has no per-model results"):
        publish("3")
