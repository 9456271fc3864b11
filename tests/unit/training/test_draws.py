"""The order of tasks and target models against the distribution they are drawn from."""

from collections import Counter
from itertools import pairwise
from math import sqrt

import pytest

from uhn.training.draws import Draws
from uhn.training.members import Member
from uhn.training.targets import Roles

PROBABILITIES = {"mnist": 0.08, "cifar10": 0.55, "cora": 0.04, "pubmed": 0.04, "ag_news": 0.18, "kv": 0.11}
STEPS = 20_000


class Names:
    """Stands for target models by their names."""

    def __init__(self, *names):
        self.roles = Roles(names, {"": names})

    def build(self, name):
        return name


def members(probabilities=PROBABILITIES, models=1):
    return [
        Member(name, None, Names(*(f"{name}/{k}" for k in range(models))), share)
        for name, share in probabilities.items()
    ]


def take(draws, steps):
    return [(member.name, target) for member, target in (draws.next() for _ in range(steps))]


@pytest.mark.parametrize("seed", [21962, 59358])
def test_tasks_have_their_shares_of_the_steps(seed):
    """A count is binomial: five standard deviations are exceeded once in 1.7 million counts."""
    counts = Counter(name for name, _ in take(Draws(members(), seed, "train"), STEPS))
    for name, share in PROBABILITIES.items():
        assert abs(counts[name] - STEPS * share) < 5 * sqrt(STEPS * share * (1 - share))


def test_draws_are_independent_of_each_other():
    """Repetitions of a task are as frequent as the sum of its squared shares says."""
    names = [name for name, _ in take(Draws(members(), 1, "train"), STEPS)]
    repeated = sum(a == b for a, b in pairwise(names))
    share = sum(p * p for p in PROBABILITIES.values())
    # neighbouring pairs overlap, so the variance is somewhat larger than the binomial one
    assert abs(repeated - STEPS * share) < 5 * 1.5 * sqrt(STEPS * share * (1 - share))


def test_each_member_of_a_family_is_drawn_once_a_pass_in_ever_new_order():
    draws = Draws(members({"family": 1.0}, models=10), 21962, "train")
    passes = [[target for _, target in take(draws, 10)] for _ in range(5)]
    assert all(sorted(one) == [f"family/{k}" for k in range(10)] for one in passes)
    assert len(set(map(tuple, passes))) == 5


def test_every_stream_of_a_run_is_its_own():
    """Each seed and phase has an order of its own, and so have tasks and models within a phase."""
    orders = {
        (seed, phase): tuple(take(Draws(members(models=4), seed, phase), 40))
        for seed in (1, 2)
        for phase in ("init", "init_0", "init_1", "train")
    }
    assert len(set(orders.values())) == len(orders)
    assert orders[1, "train"] == tuple(take(Draws(members(models=4), 1, "train"), 40))
    two = Draws(members({"a": 0.5, "b": 0.5}, models=20), 1, "train")
    order = take(two, 200)
    by_task = [[int(target.split("/")[1]) for name, target in order if name == task][:20] for task in "ab"]
    assert by_task[0] != by_task[1] and sorted(by_task[0]) == sorted(by_task[1])


@pytest.mark.parametrize("position", [0, 1, 5, 12, 33])
def test_draws_continue_from_any_place(position):
    whole = take(Draws(members(models=3), 21962, "train"), 60)
    one = Draws(members(models=3), 21962, "train")
    take(one, position)
    other = Draws(members(models=3), 1, "init")
    take(other, 4)
    other.load_state(one.state())
    assert take(other, 60 - position) == whole[position:]


def test_one_task_of_one_model_draws_nothing():
    draws = Draws(members({"mnist": 1.0}), 1, "train")
    before = draws.state()["tasks"].clone()
    assert take(draws, 3) == [("mnist", "mnist/0")] * 3
    assert draws.state()["tasks"].equal(before)


def test_a_target_of_each_task_follows_the_same_order_as_targets_drawn_one_by_one():
    """The models of a task come in one order, whether its steps are drawn or every step has one."""
    each = Draws(members({"a": 0.5, "b": 0.5}, models=5), 1, "train")
    orders = list(zip(*([target for _, target in each.next_of_each()] for _ in range(10)), strict=True))
    drawn = take(Draws(members({"a": 0.5, "b": 0.5}, models=5), 1, "train"), 60)
    for task, order in zip("ab", orders, strict=True):
        assert list(order) == [target for name, target in drawn if name == task][:10]
