"""The rounding rule."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uhn.reporting.rounding import decimals, fixed, learning_rate, mean_and_std, printed, signed

NAN = math.nan


@pytest.mark.parametrize(
    ("mean", "std", "expected"),
    [
        (0.8999, 0.0027, "0.8999 ± 0.0027"),
        (0.00012, 0.00001, "0.000120 ± 0.000010"),
        (0.5, 0.0996, "0.50 ± 0.10"),
        (0.5, 0.0123, "0.500 ± 0.012"),
        (12.3, 3.4, "12.30 ± 3.40"),
        (0.0123, 1e-9, "0.012300 ± <0.000001"),
        (0.9, 0.0, "0.9000 ± 0.0000"),
        (0.00012, 0.0, "0.00012 ± 0.00000"),
        (0.9, NAN, "0.9000"),
        (0.00012, NAN, "0.00012"),
        (2e-9, NAN, "<0.000001"),
        (0.0, NAN, "0.0000"),
    ],
)
def test_mean_and_std(mean, std, expected):
    assert mean_and_std(mean, std) == expected


@given(st.floats(1e-9, 10), st.floats(1e-9, 10))
def test_limits_and_no_nonzero_number_prints_as_zero(mean, std):
    places = decimals(mean, std)
    assert 2 <= places <= 6
    shown = fixed(std, places)
    assert shown.startswith("<") or float(shown) > 0


@given(st.floats(2e-5, 0.9))
def test_std_has_two_significant_digits_inside_the_limits(std):
    shown = fixed(std, decimals(0.5, std))
    assert len(shown.lstrip("0.")) == 2
    assert float(shown) == pytest.approx(std, rel=0.051)


@given(st.floats(0.001, 1), st.floats(1e-5, 0.5), st.floats(1.01, 10))
def test_more_uncertainty_never_prints_more_decimals(mean, std, factor):
    assert decimals(mean, std * factor) <= decimals(mean, std)


def test_differences_carry_their_sign_except_zero():
    assert signed(0.0012, 4) == "+0.0012"
    assert signed(-0.0012, 4) == "−0.0012"
    assert signed(-0.00001, 4) == "0.0000"


def test_paper_numbers_keep_their_four_decimals():
    assert printed(0.795, 0.0069) == "0.7950 ± 0.0069"
    assert printed(0.0211, NAN) == "0.0211"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (2e-4, "2e-4"), (2.5e-6, "2.5e-6"), (1e-3, "0.001"), (0.05, "0.05"), (9.9999e-4, "1e-3")],
)
def test_learning_rates(value, text):
    assert learning_rate(value) == text
