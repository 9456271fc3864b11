"""The stages on a sweep of 2 x 2 grids, decided by hand."""

from dataclasses import replace

import pytest
from sweep_cases import GRID, SMALL, four_stages, names, run_stage

from uhn.errors import UserError
from uhn.sweeps.candidate import SKIPPED, Candidate
from uhn.sweeps.grids import Hyperparameters, Metric, Slot
from uhn.sweeps.stages import candidate_at, select

STAGE_1 = {"i0_j0": 0.5, "i1_j0": 0.6}  # train lr 0.1, 0.2
INIT_WINS = {"i0_j0": 0.7, "i0_j1": 0.9, "i1_j0": 0.8, "i1_j1": 0.1}  # (0.3, 5), (0.3, 6), (0.4, 5), (0.4, 6)
INIT_LOSES = {"i0_j0": 0.3, "i0_j1": 0.4, "i1_j0": 0.2, "i1_j1": 0.1}


def runs(sweep, stage, previous):
    """Return what the slots of a stage train, in their order; None where there is nothing to train."""
    return [candidate_at(sweep, slot, previous).hyperparameters for slot in sweep.slots(stage)]


def skipped(slot, reason, same_as=None):
    return Candidate(slot, None, SKIPPED, reason=reason, same_as=same_as)


def test_stage_1_searches_the_train_lr_without_initialisation():
    assert runs(SMALL, 1, None) == [Hyperparameters(0.1, 10), Hyperparameters(0.2, 10)]
    first = run_stage(SMALL, 1, STAGE_1)
    assert first.winner == Hyperparameters(0.2, 10, 0.0, 0)
    assert names(first) == ["stage1/i1_j0", "stage1/i0_j0"]


def test_stage_2_searches_the_initialisation_at_the_lr_of_stage_1():
    first = run_stage(SMALL, 1, STAGE_1)
    assert runs(SMALL, 2, first) == [
        Hyperparameters(0.2, 10, 0.3, 5),
        Hyperparameters(0.2, 10, 0.3, 6),
        Hyperparameters(0.2, 10, 0.4, 5),
        Hyperparameters(0.2, 10, 0.4, 6),
    ]
    second = run_stage(SMALL, 2, INIT_WINS, first)
    assert second.winner == Hyperparameters(0.2, 10, 0.3, 6)
    assert names(second) == [
        "stage2/i0_j1",
        "stage2/i1_j0",
        "stage2/i0_j0",
        "stage1/i1_j0",
        "stage1/i0_j0",
        "stage2/i1_j1",
    ]


def test_no_initialisation_can_win_stage_2():
    _, second = four_stages(SMALL, STAGE_1, INIT_LOSES)
    assert second.winner == Hyperparameters(0.2, 10, 0.0, 0)
    assert names(second)[:2] == ["stage1/i1_j0", "stage1/i0_j0"]


def test_stage_3_skips_the_combination_that_ran_in_stage_2():
    _, second = four_stages(SMALL, STAGE_1, INIT_WINS)
    assert runs(SMALL, 3, second) == [
        Hyperparameters(0.1, 10, 0.3, 6),
        Hyperparameters(0.1, 20, 0.3, 6),
        None,
        Hyperparameters(0.2, 20, 0.3, 6),
    ]
    slot = Slot(3, 1, 0)
    assert candidate_at(SMALL, slot, second) == skipped(slot, "ran in stage 2 as i0_j1", Slot(2, 0, 1))


def test_stage_3_skips_all_of_stage_1_if_no_initialisation_won():
    _, second = four_stages(SMALL, STAGE_1, INIT_LOSES)
    assert [candidate_at(SMALL, slot, second) for slot in SMALL.slots(3)] == [
        skipped(Slot(3, 0, 0), "ran in stage 1 as i0_j0", Slot(1, 0, 0)),
        Candidate(Slot(3, 0, 1), Hyperparameters(0.1, 20, 0.0, 0)),
        skipped(Slot(3, 1, 0), "ran in stage 1 as i1_j0", Slot(1, 1, 0)),
        Candidate(Slot(3, 1, 1), Hyperparameters(0.2, 20, 0.0, 0)),
    ]


def test_stage_3_also_skips_what_diverged_before():
    selections = four_stages(SMALL, STAGE_1, INIT_LOSES, fail=[("i0_j0", 1)])
    assert [one.slot.key for one in selections[1].dropped] == ["stage1/i0_j0", "stage2/i0_j0"]
    slot = Slot(3, 0, 0)
    assert candidate_at(SMALL, slot, selections[1]) == skipped(slot, "ran in stage 1 as i0_j0", Slot(1, 0, 0))


def test_stage_3_skips_nothing_if_the_pioneer_budget_is_not_in_its_grid():
    sweep = replace(SMALL, pioneer_budget=5)
    _, second = four_stages(sweep, STAGE_1, INIT_LOSES)
    assert None not in runs(sweep, 3, second)


def test_stage_3_ranks_all_stages_together_and_counts_a_skipped_candidate_once():
    _, _, third = four_stages(SMALL, STAGE_1, INIT_WINS, {"i0_j0": 0.65, "i0_j1": 0.85, "i1_j1": 0.95})
    assert names(third)[:5] == ["stage3/i1_j1", "stage2/i0_j1", "stage3/i0_j1", "stage2/i1_j0", "stage2/i0_j0"]
    assert len(third.ranking) == 2 + 4 + 3
    assert [(one.slot.key, one.same_as.key) for one in third.skipped] == [("stage3/i1_j0", "stage2/i0_j1")]
    assert third.winner == Hyperparameters(0.2, 20, 0.3, 6)


def test_a_candidate_of_an_early_stage_can_win_stage_3():
    _, _, third = four_stages(SMALL, STAGE_1, INIT_WINS, {"i0_j0": 0.1, "i0_j1": 0.2, "i1_j1": 0.3})
    assert third.winner == Hyperparameters(0.2, 10, 0.3, 6)


def test_stage_4_pools_the_seeds_of_the_best_three_which_may_differ_in_initialisation():
    third_values = {"i0_j0": 0.1, "i0_j1": 0.75, "i1_j1": 0.85}
    fourth_values = {"r0": [0.6, 0.6], "r1": [0.86, 0.87], "r2": [0.9, 0.9]}
    *_, third, fourth = four_stages(SMALL, STAGE_1, INIT_WINS, third_values, fourth_values)
    top = [entry.candidate.hyperparameters for entry in third.ranking[:3]]
    assert top == [
        Hyperparameters(0.2, 10, 0.3, 6),  # stage 2, 0.9
        Hyperparameters(0.2, 20, 0.3, 6),  # stage 3, 0.85
        Hyperparameters(0.2, 10, 0.4, 5),  # stage 2, 0.8, another initialisation
    ]
    assert runs(SMALL, 4, third) == top
    # pooled means over seeds 1, 2, 3: 0.7, 0.86, 0.8667
    assert names(fourth) == ["stage2/i1_j0", "stage3/i1_j1", "stage2/i0_j1"]
    assert fourth.winner == Hyperparameters(0.2, 10, 0.4, 5)
    best = fourth.ranking[0].candidate
    assert best.seeds == (1, 2, 3)
    assert best.values == {"validation/accuracy": (0.8, 0.9, 0.9)}


def test_stage_4_with_fewer_than_three_candidates_left():
    sweep = replace(GRID, train_budget=(10, 20))
    fail = [("i0_j0", 1), ("i1_j1", 1)]
    first = run_stage(sweep, 1, {"i0_j1": 0.5, "i1_j0": 0.6}, fail=fail)
    slot = Slot(4, 2)
    assert candidate_at(sweep, slot, first) == skipped(slot, "stage 1 left fewer than 3 candidates (2)")
    last = run_stage(sweep, 4, {"r0": 0.5, "r1": 0.9}, first)
    assert last.winner == Hyperparameters(0.1, 20)
    assert [one.slot.key for one in last.skipped] == ["stage4/r2"]


def test_a_diverged_seed_drops_the_candidate_with_its_reason():
    sweep = replace(SMALL, search_seeds=(1, 2), extra_seeds=(3,))
    first = run_stage(sweep, 1, {"i0_j0": 0.5, "i1_j0": 0.9}, fail=[("i1_j0", 2)])
    assert first.winner == Hyperparameters(0.1, 10)
    assert names(first) == ["stage1/i0_j0"]
    (dropped,) = first.dropped
    assert (dropped.slot, dropped.seeds) == (Slot(1, 1, 0), (1, 2))
    assert dropped.reason == "seed 2: diverged, loss not finite at train step 7"


def test_a_candidate_that_diverges_with_an_extra_seed_is_out():
    third_values = {"i0_j0": 0.1, "i0_j1": 0.75, "i1_j1": 0.85}
    values = {"r0": 0.99, "r1": 0.5, "r2": 0.6}
    *_, fourth = four_stages(SMALL, STAGE_1, INIT_WINS, third_values, values, fail=[("r0", 3)])
    assert names(fourth) == ["stage2/i1_j0", "stage3/i1_j1"]  # 0.8 + 2 x 0.6 before 0.85 + 2 x 0.5
    assert fourth.dropped[-1].slot == Slot(2, 0, 1)
    assert fourth.dropped[-1].seeds == (1, 2, 3)


def test_stage_2_uses_the_smallest_lr_if_all_of_stage_1_diverged():
    first = run_stage(SMALL, 1, {}, fail=[("i0_j0", 1), ("i1_j0", 1)])
    assert first.winner == Hyperparameters(0.1, 10)
    assert first.ranking == ()
    assert "smallest train lr" in first.note
    second = run_stage(SMALL, 2, INIT_WINS, first)
    assert second.winner == Hyperparameters(0.1, 10, 0.3, 6)
    assert second.note is None
    slot = Slot(3, 0, 0)
    assert candidate_at(SMALL, slot, second) == skipped(slot, "ran in stage 2 as i0_j1", Slot(2, 0, 1))
    assert candidate_at(SMALL, Slot(3, 1, 0), second).hyperparameters == Hyperparameters(0.2, 10, 0.3, 6)


def test_the_sweep_stops_if_nothing_is_left_later():
    everything = [(f"i{i}_j{j}", 1) for i in range(2) for j in range(2)]
    first = run_stage(SMALL, 1, {}, fail=everything)
    with pytest.raises(UserError, match=r"no candidate is left after stage 2 \(6 dropped; stage2/i1_j1: seed 1"):
        run_stage(SMALL, 2, {}, first, fail=everything)
    with pytest.raises(UserError, match="no candidate is left after stage 1"):
        run_stage(GRID, 1, {}, fail=everything)


TASKS = replace(SMALL, metrics=(Metric("validation/a/accuracy", 0.5), Metric("validation/b/rmse", 0.1)))


def both(a, b):
    return {"validation/a/accuracy": a, "validation/b/rmse": b}


def test_guardrails_hold_after_stage_3_not_before():
    first = {"i0_j0": both(0.4, 0.01), "i1_j0": both(0.3, 0.2)}
    second = {name: both(0.2, 0.3 + place / 10) for place, name in enumerate(INIT_WINS)}
    third = {"i0_j1": both(0.5, 0.1), "i1_j1": both(0.6, 0.11)}
    *early, last = four_stages(TASKS, first, second, third)
    # both violate a guardrail and still decide stages 1 and 2
    assert early[1].winner == Hyperparameters(0.1, 10, 0.0, 0)
    assert early[1].dropped == ()
    assert names(last) == ["stage3/i0_j1"]
    reasons = {one.slot.key: one.reason for one in last.dropped}
    assert len(reasons) == 2 + 4 + 1
    assert reasons["stage3/i1_j1"] == "guardrail: validation/b/rmse 0.11, expected <= 0.1 (mean over 1 seeds)"
    assert reasons["stage1/i0_j0"] == "guardrail: validation/a/accuracy 0.4, expected >= 0.5 (mean over 1 seeds)"
    assert "validation/a/accuracy" in reasons["stage1/i1_j0"] and "validation/b/rmse" in reasons["stage1/i1_j0"]


def test_guardrails_hold_again_after_stage_4_on_the_pooled_mean():
    sweep = replace(TASKS, search="grid", pioneer_budget=None, init_lr=(), init_steps=(), train_budget=(10,))
    first = run_stage(sweep, 1, {"i0_j0": both(0.9, 0.01), "i1_j0": both(0.5, 0.02)})
    # pooled over three seeds: 0.9 + 2 x 0.2 -> 0.4333 < 0.5; 0.5 + 2 x 0.5 -> 0.5
    last = run_stage(sweep, 4, {"r0": both(0.2, 0.01), "r1": both(0.5, 0.02)}, first)
    assert names(last) == ["stage1/i1_j0"]
    assert "validation/a/accuracy 0.433333, expected >= 0.5 (mean over 3 seeds)" in last.dropped[0].reason


def test_multi_task_stage_2_may_change_the_order_within_stage_1():
    """The pooled ranks decide: the lr of stages 2 and 3 is the one that won stage 1 alone."""
    sweep = replace(SMALL, metrics=(Metric("validation/a/accuracy"), Metric("validation/b/accuracy")))

    def two(a, b):
        return {"validation/a/accuracy": a, "validation/b/accuracy": b}

    # alone: ranks (0, 1) and (1, 0), a tie that the smaller lr 0.1 wins
    first = run_stage(sweep, 1, {"i0_j0": two(0.9, 0.5), "i1_j0": two(0.8, 0.6)})
    assert first.winner == Hyperparameters(0.1, 10)
    # pooled: all of stage 2 lie between the two in task b, so lr 0.1 falls behind there
    second = run_stage(sweep, 2, {name: two(0.1, 0.55 + place / 100) for place, name in enumerate(INIT_WINS)}, first)
    assert second.winner == Hyperparameters(0.2, 10)
    # no initialisation won: all of stage 1 is skipped
    skips = [slot.name for slot in sweep.slots(3) if candidate_at(sweep, slot, second).status == SKIPPED]
    assert skips == ["i0_j0", "i1_j0"]


def test_a_grid_search_has_one_stage_and_more_seeds():
    assert GRID.stages == (1, 4)
    assert runs(GRID, 1, None) == [
        Hyperparameters(0.1, 10),
        Hyperparameters(0.1, 20),
        Hyperparameters(0.2, 10),
        Hyperparameters(0.2, 20),
    ]
    assert replace(GRID, extra_seeds=()).stages == (1,)


def results_of_stage_1():
    return [candidate_at(SMALL, slot, None).completed(1, {"validation/accuracy": 0.5}) for slot in SMALL.slots(1)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r[:1], r"stage1/i1_j0/seed1 has no result"),
        (lambda r: [*r, r[0]], r"stage1/i0_j0/seed1 is there twice"),
        (lambda r: [*r, replace(r[0], seeds=(9,))], r"stage1/i0_j0/seed9 is no run of stage 1"),
        (lambda r: [r[1], replace(r[0], slot=Slot(2, 0, 0))], r"stage2/i0_j0/seed1 is no run of stage 1"),
        (lambda r: [r[1], replace(r[0], hyperparameters=Hyperparameters(7, 7))], "comes from another selection"),
        (lambda r: [r[1], replace(r[0], status=SKIPPED, hyperparameters=None)], "comes from another selection"),
        (
            lambda r: [r[1], replace(r[0], values={"validation/rmse": (1.0,)})],
            r"has no metric validation/accuracy \(it has validation/rmse\)",
        ),
    ],
)
def test_results_that_do_not_belong_are_refused(change, message):
    with pytest.raises(UserError, match=message) as caught:
        select(SMALL, "paper", 1, change(results_of_stage_1()))
    assert "\n" not in str(caught.value)


def test_stages_need_the_selection_before():
    first = run_stage(SMALL, 1, STAGE_1)
    with pytest.raises(UserError, match="stage 2: expected the selection of stage 1, got None"):
        candidate_at(SMALL, Slot(2, 0, 0), None)
    with pytest.raises(UserError, match="stage 3: expected the selection of stage 2, got 1"):
        candidate_at(SMALL, Slot(3, 0, 0), first)
    with pytest.raises(UserError, match="got the selection of sweep small"):
        candidate_at(replace(SMALL, name="other"), Slot(2, 0, 0), first)
    with pytest.raises(UserError, match="has no candidate stage1/i2_j0"):
        candidate_at(SMALL, Slot(1, 2, 0), None)
