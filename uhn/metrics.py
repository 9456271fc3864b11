"""The metrics of the paper and their direction. Metrics are recorded as ``split/name``, e.g. ``test/rmse``."""

HIGHER_IS_BETTER = {"accuracy": True, "rmse": False, "loss": False}


def higher_is_better(metric: str) -> bool:
    """Tell the direction of ``name`` or ``split/name``."""
    return HIGHER_IS_BETTER[metric.rsplit("/", 1)[-1]]
