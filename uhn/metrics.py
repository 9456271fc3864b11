"""The metrics of the paper and their direction. Metrics are recorded as ``split/name``, e.g. ``test/rmse``."""

import math
from collections.abc import Mapping

HIGHER_IS_BETTER = {"accuracy": True, "rmse": False, "loss": False}


def higher_is_better(metric: str) -> bool:
    """Tell the direction of ``name`` or ``split/name``."""
    return HIGHER_IS_BETTER[metric.rsplit("/", 1)[-1]]


def not_finite(metrics: Mapping[str, float]) -> str | None:
    """Name the first metric that is not finite, as the reason why a run counts as diverged; None if all are."""
    return next((f"{name} is {value}" for name, value in metrics.items() if not math.isfinite(value)), None)
