"""The one rounding rule of all tables.

The sample std over seeds is printed with two significant digits, and the mean and the difference to the
paper with as many decimals; at least 2 and at most 6 decimals. Without a std (one seed) or with a std of
exactly zero there are 4 decimals, or more where the mean needs them for its own two digits. A number that
would round to zero although it is not is printed as a bound, ``<0.000001``. The paper's numbers have 4
decimals, as it prints them.
"""

from __future__ import annotations

import math

MIN_DECIMALS, MAX_DECIMALS = 2, 6
PLAIN_DECIMALS = 4


def decimals(mean: float, std: float) -> int:
    """Return the number of decimals for a mean and its std (NaN where there is none)."""
    if std > 0:
        places = _two_digits(std)
    elif mean:
        places = max(PLAIN_DECIMALS, _two_digits(mean))
    else:
        places = PLAIN_DECIMALS
    return min(max(places, MIN_DECIMALS), MAX_DECIMALS)


def fixed(value: float, places: int) -> str:
    """Format a number with ``places`` decimals; a tiny one as a bound rather than as zero."""
    text = f"{value:.{places}f}"
    if value and float(text) == 0:
        return f"<{10**-places:.{places}f}"
    return text.replace("-", "−")


def signed(value: float, places: int) -> str:
    """Format a difference with its sign."""
    text = f"{value:+.{places}f}"
    return f"{0:.{places}f}" if float(text) == 0 else text.replace("-", "−")


def mean_and_std(mean: float, std: float) -> str:
    """Format ``mean ± std`` by the rule, or the mean alone where there is no std."""
    places = decimals(mean, std)
    if math.isnan(std):
        return fixed(mean, places)
    return f"{fixed(mean, places)} ± {fixed(std, places)}"


def signed_with_interval(value: float, low: float, high: float, places: int) -> str:
    """Format a difference ``value [low, high]`` with ``places`` decimals, or alone where there is no interval."""
    if math.isnan(low):
        return signed(value, places)
    return f"{signed(value, places)} [{signed(low, places)}, {signed(high, places)}]"


def ratio_with_interval(value: float, low: float, high: float) -> str:
    """Format a ratio ``× value [low, high]`` with two decimals, or alone where there is no interval."""
    text = f"× {fixed(value, MIN_DECIMALS)}"
    if math.isnan(low):
        return text
    return f"{text} [{fixed(low, MIN_DECIMALS)}, {fixed(high, MIN_DECIMALS)}]"


def printed(mean: float, std: float) -> str:
    """Format a number of the paper, without a std where that is NaN."""
    text = fixed(mean, PLAIN_DECIMALS)
    return text if math.isnan(std) else f"{text} ± {fixed(std, PLAIN_DECIMALS)}"


def learning_rate(value: float) -> str:
    """Format a learning rate as ``2e-4`` or, from a thousandth on, ``0.005``."""
    if value == 0 or value >= 1e-3:
        return f"{value:g}"
    mantissa, exponent = f"{value:.3e}".split("e")
    return f"{float(mantissa):g}e{int(exponent)}"


def _two_digits(value: float) -> int:
    # through the text, so that 0.0996 counts as 0.10
    return 1 - int(f"{value:.1e}".split("e")[1])
