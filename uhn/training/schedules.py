"""Learning-rate schedule of all phases."""

from __future__ import annotations

import math


def warmup_cosine(t: int, total: int, warmup: int) -> float:
    """Return the multiplier of the base learning rate at 0-based epoch or step ``t``.

    Linear warm-up to the peak at ``t = warmup``, then cosine towards 0 at ``total`` (paper, Appendix on
    training details). The last value is small but not 0.

    Deviation: without warm-up the torch release pinned by the authors applies the cosine one step late.
    """
    if t < warmup:
        return (t + 1) / (warmup + 1)
    return 0.5 * (1 + math.cos(math.pi * (t - warmup) / max(total - warmup, 1)))
