"""Verdicts against values worked out by hand, and against scipy's own Welch test."""

import math

import pytest
from scipy.stats import t, ttest_ind_from_stats

from uhn.reporting.reference import Reference
from uhn.reporting.statistics import SeedStatistics
from uhn.reporting.verdict import Comparison, Margin, compare, is_comparable, load_margins, welch_half_width

ACCURACY = Margin(difference=0.005, paper_stds=2.0)
RMSE = Margin(ratio=1.25)


def ours(mean, std, n):
    return SeedStatistics(mean, std, n, math.nan, math.nan)


def paper(mean, std=None, n=10):
    return Reference(mean, std, n, "readme", "high")


@pytest.mark.parametrize(
    ("std1", "n1", "std2", "n2"), [(0.01, 10, 0.01, 10), (0.02, 3, 0.005, 10), (0.3, 5, 0.0, 4), (1e-4, 2, 3e-4, 7)]
)
def test_the_interval_is_welchs(std1, n1, std2, n2):
    interval = ttest_ind_from_stats(1.0, std1, n1, 0.0, std2, n2, equal_var=False)
    # scipy gives statistic and degrees of freedom; the half width is t_0.975 times the standard error
    error = 1.0 / interval.statistic
    df = (std1**2 / n1 + std2**2 / n2) ** 2 / ((std1**2 / n1) ** 2 / (n1 - 1) + (std2**2 / n2) ** 2 / (n2 - 1))
    assert welch_half_width(std1, n1, std2, n2) == pytest.approx(t.ppf(0.975, df) * error, rel=1e-12)


def test_reproduced():
    """Two samples of ten, std 0.01: standard error 0.004472, 18 degrees of freedom, t 2.1009, half width 0.009395."""
    found = compare(ours(0.801, 0.01, 10), paper(0.8, 0.01), ACCURACY)
    assert (found.kind, found.verdict, found.seeds) == ("difference", "reproduced", None)
    assert (found.value, found.low, found.high) == pytest.approx((0.001, -0.008395, 0.010395), abs=1e-6)
    assert (found.margin_low, found.margin_high) == pytest.approx((-0.02, 0.02))  # two of the paper's stds


def test_the_margin_is_never_narrower_than_the_fixed_one():
    assert compare(ours(0.8, 0.001, 3), paper(0.8, 0.001, 3), ACCURACY).margin_high == 0.005


@pytest.mark.parametrize("mean", [0.75, 0.85])
def test_differs_either_way(mean):
    """0.05 away, half width 0.0094, margin 0.02."""
    assert compare(ours(mean, 0.01, 10), paper(0.8, 0.01), ACCURACY).verdict == "differs"


def test_an_interval_from_two_seeds_decides_nothing():
    """0.40 against 0.99: seeds at 0.1 and 0.7 have std 0.4243; with one degree of freedom the interval is vast."""
    found = compare(ours(0.4, 0.42426, 2), paper(0.99, 0.001, 3), ACCURACY)
    assert found.verdict == "undecided"
    assert found.low < -4 and found.high > 2


def test_how_many_seeds_would_decide():
    """Equal means, std 0.02, the paper's as small as can be: n with t_(n-1) 0.02 / sqrt(n) <= 0.005 is 64."""
    found = compare(ours(0.8, 0.02, 3), paper(0.8, 0.0, 10), ACCURACY)
    assert (found.verdict, found.seeds) == ("undecided", 64)


def test_no_number_of_seeds_decides_where_the_papers_own_spread_is_too_wide():
    """The paper's standard error alone is 0.1 / sqrt(3); a margin of 0.2 is narrower than its interval of 2 degrees."""
    found = compare(ours(0.8, 0.001, 3), paper(0.8, 0.1, 3), ACCURACY)
    assert (found.verdict, found.seeds) == ("undecided", None)


def test_errors_are_compared_by_their_ratio():
    """log(1.1) = 0.0953; relative stds 0.02 and 0.02 with n 3: standard error 0.01633, 4 degrees, t 2.7764."""
    found = compare(ours(0.011, 0.00022, 3), paper(0.01, 0.0002, 3), RMSE)
    assert (found.kind, found.verdict) == ("ratio", "reproduced")
    assert (found.value, found.low, found.high) == pytest.approx(
        (1.1, 1.1 * math.exp(-0.045339), 1.1 * math.exp(0.045339)), rel=1e-5
    )
    assert (found.margin_low, found.margin_high) == pytest.approx((0.8, 1.25))
    assert compare(ours(0.02, 0.0004, 3), paper(0.01, 0.0002, 3), RMSE).verdict == "differs"
    assert compare(ours(0.012, 0.0012, 3), paper(0.01, 0.001, 3), RMSE).verdict == "undecided"


def test_a_spread_that_is_not_printed_is_taken_to_be_ours():
    assert compare(ours(0.8, 0.01, 10), paper(0.8), ACCURACY) == compare(
        ours(0.8, 0.01, 10), paper(0.8, 0.01), Margin(difference=0.005)
    )


def test_no_verdict_without_a_printed_value_or_a_second_seed():
    assert compare(ours(0.8, 0.01, 10), paper(None), ACCURACY) == Comparison("difference")
    single = compare(ours(0.81, math.nan, 1), paper(0.8, 0.01), ACCURACY)
    assert (single.verdict, single.seeds) == ("-", None)
    assert single.value == pytest.approx(0.01) and math.isnan(single.low)


@pytest.mark.parametrize(("mean", "printed"), [(0.0, 0.01), (0.01, 0.0)])
def test_there_is_no_ratio_to_zero(mean, printed):
    assert compare(ours(mean, 0.0, 3), paper(printed), RMSE) == Comparison("ratio")


def test_seeds_that_agree_exactly_have_an_interval_of_no_width():
    assert compare(ours(0.8, 0.0, 3), paper(0.803, 0.0, 3), ACCURACY).verdict == "reproduced"
    assert compare(ours(0.8, 0.0, 3), paper(0.806, 0.0, 3), ACCURACY).verdict == "differs"


def test_the_margins_of_the_project():
    assert load_margins() == {"accuracy": ACCURACY, "rmse": RMSE}


def test_the_papers_scale_alone_is_comparable():
    assert {scale: is_comparable(scale) for scale in ("demo", "cpu", "lite", "paper")} == {
        "demo": False,
        "cpu": False,
        "lite": False,
        "paper": True,
    }
