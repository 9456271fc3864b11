"""Orders worked out by hand: per task, over tasks, ties, guardrails."""

from itertools import permutations

import pytest
from sweep_cases import ACCURACY, scored

from uhn.sweeps.grids import Metric
from uhn.sweeps.ranking import guardrail_violation, order_for_task, rank

RMSE = Metric("validation/rmse")


def assert_order(expected, metric):
    """The order does not depend on the order given."""
    for shuffled in permutations(expected):
        assert order_for_task(shuffled, metric) == list(expected)


def test_accuracy_is_ranked_downwards_and_rmse_upwards():
    low, high = scored(accuracy=[0.6], rmse=[0.1]), scored(0.2, accuracy=[0.7], rmse=[0.2])
    assert_order([high, low], ACCURACY)
    assert_order([low, high], RMSE)


def test_the_mean_over_seeds_counts_not_the_best_seed():
    lucky = scored(accuracy=[0.9, 0.5])
    steady = scored(0.2, accuracy=[0.75, 0.75])
    assert_order([steady, lucky], ACCURACY)


def test_equal_means_are_decided_by_the_spread_over_seeds():
    wide, narrow = scored(rmse=[1.0, 3.0]), scored(0.2, rmse=[1.5, 2.5])
    assert_order([narrow, wide], RMSE)


def test_full_ties_go_to_the_cheapest_then_the_smallest():
    tied = {"accuracy": [0.5, 0.7]}
    assert_order(
        [
            scored(0.2, 10, 0.4, 6, **tied),  # budget before lr
            scored(0.1, 20, 0.4, 5, **tied),  # then lr; then init steps before init lr
            scored(0.1, 20, 0.3, 6, **tied),
            scored(0.1, 20, 0.4, 6, **tied),
            scored(0.2, 20, 0.0, 0, **tied),
        ],
        ACCURACY,
    )


def test_the_order_of_seeds_does_not_break_a_tie():
    # 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1 in floating point
    cheap = scored(0.1, 10, accuracy=[0.3, 0.2, 0.1])
    costly = scored(0.1, 20, accuracy=[0.1, 0.2, 0.3])
    assert sum((0.1, 0.2, 0.3)) > sum((0.3, 0.2, 0.1))
    assert_order([cheap, costly], ACCURACY)


def test_spread_is_the_population_standard_deviation():
    assert scored(accuracy=[1.0, 3.0]).std("validation/accuracy") == 1.0


THREE = [Metric("validation/a/accuracy"), Metric("validation/b/accuracy"), Metric("validation/c/rmse")]


def three_tasks(a, b, c, **values):
    return scored(a__accuracy=[a], b__accuracy=[b], c__rmse=[c], **values)


def test_borda_ranks_by_the_mean_rank_over_tasks():
    first = three_tasks(0.9, 0.8, 0.02, slot=(1, 0, 0))
    second = three_tasks(0.8, 0.9, 0.03, slot=(1, 1, 0))
    third = three_tasks(0.7, 0.7, 0.01, slot=(1, 2, 0))
    ranked = rank([third, second, first], THREE)
    assert [entry.candidate for entry in ranked] == [first, second, third]
    assert [tuple(entry.ranks.values()) for entry in ranked] == [(0, 1, 1), (1, 0, 2), (2, 2, 0)]
    assert [entry.mean_rank for entry in ranked] == pytest.approx([2 / 3, 1, 4 / 3])
    # the size of a lead does not count: a mean of accuracies would prefer another
    assert ranked[0].std_rank == pytest.approx((2 / 9) ** 0.5)


def test_equal_mean_ranks_go_to_the_least_spread_of_ranks_then_to_the_cheapest():
    two = THREE[:2]
    costly = scored(0.2, 20, slot=(1, 0, 0), a__accuracy=[0.9], b__accuracy=[0.1])  # ranks 0, 2
    even = scored(0.3, 30, slot=(1, 1, 0), a__accuracy=[0.5], b__accuracy=[0.5])  # ranks 1, 1
    cheap = scored(0.1, 10, slot=(1, 2, 0), a__accuracy=[0.1], b__accuracy=[0.9])  # ranks 2, 0
    for shuffled in permutations([costly, even, cheap]):
        ranked = rank(shuffled, two)
        assert [entry.candidate for entry in ranked] == [even, cheap, costly]
        assert [(entry.mean_rank, entry.std_rank) for entry in ranked] == [(1, 0), (1, 1), (1, 1)]


def test_one_task_reduces_to_its_own_order():
    candidates = [
        scored(0.1, 10, slot=(1, 0, 0), accuracy=[0.5, 0.7]),
        scored(0.2, 10, slot=(1, 1, 0), accuracy=[0.6, 0.6]),
        scored(0.1, 20, slot=(1, 2, 0), accuracy=[0.5, 0.7]),
        scored(0.2, 20, slot=(1, 3, 0), accuracy=[0.8, 0.2]),
    ]
    ranked = [entry.candidate for entry in rank(candidates, [ACCURACY])]
    assert ranked == order_for_task(candidates, ACCURACY)
    assert [one.slot.i for one in ranked] == [1, 0, 2, 3]


def test_ranks_are_those_among_the_candidates_given():
    best, middle, worst = (scored(slot=(1, i, 0), accuracy=[value]) for i, value in enumerate([0.9, 0.8, 0.7]))
    assert [entry.ranks["validation/accuracy"] for entry in rank([best, middle, worst], [ACCURACY])] == [0, 1, 2]
    assert [entry.ranks["validation/accuracy"] for entry in rank([middle, worst], [ACCURACY])] == [0, 1]


@pytest.mark.parametrize(
    ("metric", "values", "violated"),
    [
        (Metric("validation/accuracy", 0.75), [0.5, 1.0], False),  # the mean counts, and the bound itself is met
        (Metric("validation/accuracy", 0.75), [0.5, 0.99], True),
        (Metric("validation/accuracy"), [0.0, 0.0], False),
        (Metric("validation/rmse", 0.5), [0.25, 0.75], False),
        (Metric("validation/rmse", 0.5), [0.25, 0.76], True),
    ],
)
def test_guardrails_act_on_the_mean_over_seeds(metric, values, violated):
    candidate = scored(**{metric.name.split("/")[1]: values})
    reason = guardrail_violation(candidate, [metric])
    assert (reason is not None) == violated
    if violated:
        assert f"expected {'>= 0.75' if metric.higher_is_better else '<= 0.5'} (mean over 2 seeds)" in reason
