"""Statistics against hand-computed intervals (t quantiles from a printed table)."""

import math

import pytest

from uhn.reporting.statistics import statistics_over_seeds


@pytest.mark.parametrize(
    ("values", "mean", "std", "half"),
    [
        # t(0.975) is 12.706 with 1, 4.303 with 2 and 2.262 with 9 degrees of freedom
        ([1.0, 3.0], 2.0, math.sqrt(2), 12.706 * math.sqrt(2) / math.sqrt(2)),
        ([1.0, 2.0, 3.0], 2.0, 1.0, 4.303 / math.sqrt(3)),
        (list(range(10)), 4.5, math.sqrt(55 / 6), 2.262 * math.sqrt(55 / 6) / math.sqrt(10)),
    ],
)
def test_summary_equals_the_hand_computation(values, mean, std, half):
    summary = statistics_over_seeds(values)
    assert summary.n == len(values)
    assert summary.mean == pytest.approx(mean)
    assert summary.std == pytest.approx(std)
    assert mean - summary.ci_low == pytest.approx(half, rel=3e-4)
    assert summary.ci_high - mean == pytest.approx(half, rel=3e-4)


def test_one_value_has_no_spread_and_none_has_no_mean():
    one, none = statistics_over_seeds([0.5]), statistics_over_seeds([])
    assert (one.mean, one.n) == (0.5, 1)
    assert all(map(math.isnan, (one.std, one.ci_low, one.ci_high)))
    assert none.n == 0
    assert all(map(math.isnan, (none.mean, none.std, none.ci_low, none.ci_high)))
