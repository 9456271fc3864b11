"""What came of a run, as a candidate."""

import pytest

from uhn.sweeps.candidate import COMPLETED, DIVERGED, Candidate
from uhn.sweeps.grids import Hyperparameters, Slot

PLANNED = Candidate(Slot(1, 0), Hyperparameters(0.1, 10))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_and_infinite_metrics_are_divergence(value):
    candidate = PLANNED.completed(1, {"validation/accuracy": 0.5, "validation/loss": value})
    assert (candidate.status, candidate.reason) == (DIVERGED, f"validation/loss is {value}")
    assert (candidate.seeds, candidate.values) == ((1,), {})


def test_only_validation_metrics_of_a_result_count():
    result = {"status": "completed", "seed": 7, "metrics": {"train/rmse": 0.1, "validation/rmse": 0.2}}
    candidate = PLANNED.after(result)
    assert (candidate.status, candidate.seeds, candidate.values) == (COMPLETED, (7,), {"validation/rmse": (0.2,)})


def test_a_diverged_result_keeps_its_reason():
    candidate = PLANNED.after({"status": "diverged", "seed": 7, "reason": "loss not finite at train step 3"})
    assert (candidate.status, candidate.seeds) == (DIVERGED, (7,))
    assert (candidate.reason, candidate.hyperparameters) == (
        "loss not finite at train step 3",
        Hyperparameters(0.1, 10),
    )
