"""Statistics against hand-computed intervals (t quantiles from a printed table) and their symmetries."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uhn.reporting.statistics import difference, statistics_over_seeds, verdict

VALUE = st.floats(-10, 10).map(lambda value: round(value, 6))


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
    assert math.isnan(difference(none, 0.5))


# values 1, 2, 3: mean 2, interval 2 ± 2.484
@pytest.mark.parametrize(
    ("reference", "reference_std", "expected"),
    [
        (2.0, None, "within"),
        (4.4, None, "within"),
        (4.6, None, "below"),
        (4.6, 0.2, "within"),
        (4.6, 0.1, "below"),
        (-0.4, None, "within"),
        (-0.6, None, "above"),
        (-0.6, 0.2, "within"),
        (None, None, "-"),
    ],
)
def test_verdict_against_the_interval(reference, reference_std, expected):
    assert verdict(statistics_over_seeds([1.0, 2.0, 3.0]), reference, reference_std) == expected


def test_verdict_needs_two_seeds():
    assert verdict(statistics_over_seeds([1.0]), 1.0, 0.5) == "-"
    assert verdict(statistics_over_seeds([]), 1.0, 0.5) == "-"


def test_difference_is_ours_minus_the_papers():
    assert difference(statistics_over_seeds([1.0, 2.0]), 1.0) == 0.5
    assert math.isnan(difference(statistics_over_seeds([1.0, 2.0]), None))


@given(st.lists(VALUE, min_size=2, max_size=10), VALUE, st.none() | st.floats(0, 5))
def test_verdict_swaps_when_everything_changes_sign(values, reference, spread):
    swapped = {"within": "within", "above": "below", "below": "above"}
    verdict_here = verdict(statistics_over_seeds(values), reference, spread)
    negated = statistics_over_seeds([-value for value in values])
    assert verdict(negated, -reference, spread) == swapped[verdict_here]


@given(st.lists(VALUE, min_size=2, max_size=10), VALUE, st.floats(0, 5), st.floats(0, 5))
def test_a_wider_reference_never_leaves_the_interval(values, reference, spread, more):
    summary = statistics_over_seeds(values)
    if verdict(summary, reference, spread) == "within":
        assert verdict(summary, reference, spread + more) == "within"
    else:
        assert verdict(summary, reference, abs(summary.mean - reference) + spread) == "within"


@given(st.lists(VALUE, min_size=2, max_size=10), VALUE)
def test_verdict_agrees_with_the_sign_of_the_difference(values, reference):
    summary = statistics_over_seeds(values)
    found = verdict(summary, reference, None)
    if found == "above":
        assert difference(summary, reference) > 0
    elif found == "below":
        assert difference(summary, reference) < 0
    else:
        assert summary.ci_low <= reference <= summary.ci_high
