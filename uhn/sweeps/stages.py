"""The four stages: what each slot runs, and what each stage decides (paper, Appendix F).

Stage 1 searches the train lr at the pioneer budget without initialisation; stage 2 the initialisation at that lr,
ranked together with stage 1, so that "no initialisation" can win; stage 3 train lr and budget with that initialisation,
ranked together with everything before; stage 4 gives the best three more seeds. The final runs train the winner on the
full training data.

Static files. Two things are known only once a stage has been decided: stage 3 does not rerun candidates that stages 1
and 2 have run already (the winner of stage 1's lr at the pioneer budget and, if no initialisation won, every lr at that
budget), and stage 4 may find fewer than three candidates left. A DAG must name its files before that. So every slot of
the grid has a job and a ``candidate.json`` in every run of the sweep; where there is nothing to train the job writes
``skipped`` with the slot whose results stand for it, takes no time, and selection counts that candidate once, where it
ran. The alternative, to evaluate the DAG again after each stage (Snakemake's checkpoints), would make dry runs before
the end show only a part of the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from uhn.errors import UserError
from uhn.sweeps.grids import EXTRA_SEEDS_STAGE, TOP, Hyperparameters, Slot, SweepConfig
from uhn.sweeps.ranking import Scored, guardrail_violation, rank
from uhn.sweeps.selection import COMPLETED, SKIPPED, CandidateResult, Dropped, Selection, Skipped


@dataclass(frozen=True)
class Skip:
    """Nothing to train in a slot: the reason and the slot with the same hyperparameters, if there is one."""

    reason: str
    same_as: Slot | None = None


def plan(sweep: SweepConfig, slot: Slot, previous: Selection | None) -> Hyperparameters | Skip:
    """Return what a slot runs.

    Args:
        sweep: the sweep.
        slot: one of its slots.
        previous: the selection of the stage before; None for stage 1.

    Raises:
        UserError: no slot of the sweep, or not the selection of the stage before.
    """
    if slot.stage not in sweep.stages or slot not in sweep.slots(slot.stage):
        raise UserError(f"sweep {sweep.name} has no candidate {slot.key}; see its grids in config/sweeps.yaml")
    _check_previous(sweep, slot.stage, previous)
    if slot.stage == EXTRA_SEEDS_STAGE:
        return _plan_extra_seeds(slot, previous)
    outer, inner = sweep.axes(slot.stage)
    first, second = outer[slot.i], inner[slot.j]
    if slot.stage == 1:
        return Hyperparameters(first, second)
    if slot.stage == 2:
        return Hyperparameters(previous.winner.train_lr, sweep.pioneer_budget, first, second)
    chosen = Hyperparameters(first, second, previous.winner.init_lr, previous.winner.init_steps)
    if ran := previous.slot_of(chosen):
        return Skip(f"ran in stage {ran.stage} as {ran.name}", ran)
    return chosen


def select(
    sweep: SweepConfig, scale: str, stage: int, results: Iterable[CandidateResult], previous: Selection | None = None
) -> Selection:
    """Decide a stage.

    Args:
        sweep: the sweep.
        scale: its scale.
        stage: the stage.
        results: of every slot and seed of the stage, in any order.
        previous: the selection of the stage before; None for stage 1.

    Raises:
        UserError: a result is missing, doubled or not of this selection's candidates, or no candidate is left.
    """
    plans = {slot: plan(sweep, slot, previous) for slot in sweep.slots(stage)}
    by_slot = _by_slot(sweep, stage, results, plans)
    scored, dropped = [], list(previous.dropped) if previous else []
    skipped = list(previous.skipped) if previous else []
    for slot, planned in plans.items():
        if isinstance(planned, Skip):
            skipped.append(Skipped(slot, planned.reason, planned.same_as))
            continue
        before = previous.ranking[slot.i].candidate if stage == EXTRA_SEEDS_STAGE else None
        outcome = _score(sweep, slot, planned, by_slot[slot], before)
        (dropped if isinstance(outcome, Dropped) else scored).append(outcome)
    if previous and stage != EXTRA_SEEDS_STAGE:
        scored = [*(entry.candidate for entry in previous.ranking), *scored]
    if stage in (sweep.last_search_stage, EXTRA_SEEDS_STAGE):
        scored, violators = _apply_guardrails(sweep, scored)
        dropped += violators
    return _decide(sweep, scale, stage, scored, dropped, skipped)


def run_counts(sweep: SweepConfig, init_won: bool = True) -> dict[str, int]:
    """Return the number of training runs of each stage, ``stage<k>``, and of ``final``.

    Args:
        sweep: the sweep.
        init_won: whether stage 2 chooses an initialisation; if not, stage 3 has fewer candidates of its own.
    """
    counts = {f"stage{stage}": len(sweep.slots(stage)) * len(sweep.seeds(stage)) for stage in sweep.stages}
    if sweep.four_stage and sweep.pioneer_budget in sweep.train_budget:
        shared = 1 if init_won else len(sweep.train_lr)
        counts["stage3"] -= shared * len(sweep.search_seeds)
    return counts | {"final": sweep.num_final}


def _plan_extra_seeds(slot: Slot, previous: Selection) -> Hyperparameters | Skip:
    if slot.i < len(previous.ranking):
        return previous.ranking[slot.i].candidate.hyperparameters
    return Skip(f"stage {previous.stage} left fewer than {TOP} candidates ({len(previous.ranking)})")


def _check_previous(sweep: SweepConfig, stage: int, previous: Selection | None) -> None:
    wanted = sweep.previous_stage(stage)
    came = previous and previous.stage
    if wanted != came:
        raise UserError(f"sweep {sweep.name}, stage {stage}: expected the selection of stage {wanted}, got {came}")
    if previous and previous.sweep != sweep.name:
        raise UserError(f"sweep {sweep.name}: got the selection of sweep {previous.sweep}; give its own")


def _by_slot(
    sweep: SweepConfig, stage: int, results: Iterable[CandidateResult], plans: dict[Slot, Hyperparameters | Skip]
) -> dict[Slot, dict[int, CandidateResult]]:
    """Sort the results by slot and seed and check that they are complete and belong to the plans."""
    by_slot: dict[Slot, dict[int, CandidateResult]] = {slot: {} for slot in plans}
    for result in results:
        where = f"sweep {sweep.name}: {result.slot.key}/seed{result.seed}"
        if result.slot not in plans or result.seed not in sweep.seeds(stage):
            raise UserError(f"{where} is no run of stage {stage}; remove it from the stage's results")
        if result.seed in by_slot[result.slot]:
            raise UserError(f"{where} is there twice; give each result once")
        planned = plans[result.slot]
        fits = result.status == SKIPPED if isinstance(planned, Skip) else result.hyperparameters == planned
        if not fits:
            raise UserError(f"{where} comes from another selection of the stage before; delete it and rerun its job")
        by_slot[result.slot][result.seed] = result
    for slot, seeds in by_slot.items():
        if missing := [seed for seed in sweep.seeds(stage) if seed not in seeds]:
            raise UserError(f"sweep {sweep.name}: {slot.key}/seed{missing[0]} has no result; run its job first")
    return by_slot


def _score(
    sweep: SweepConfig,
    slot: Slot,
    hyperparameters: Hyperparameters,
    results: dict[int, CandidateResult],
    before: Scored | None,
) -> Scored | Dropped:
    """Pool the seeds of a candidate, those of earlier stages first; one that failed drops it."""
    ordered = [results[seed] for seed in sweep.seeds(slot.stage)]
    failures = [f"seed {one.seed}: {one.status}, {one.reason}" for one in ordered if one.status != COMPLETED]
    values = {} if failures else {metric.name: _values(sweep, ordered, metric.name) for metric in sweep.metrics}
    seeds = tuple(one.seed for one in ordered)
    if before:
        slot, seeds = before.slot, before.seeds + seeds
        values = {name: before.values[name] + new for name, new in values.items()}
    if failures:
        return Dropped(slot, hyperparameters, seeds, "; ".join(failures))
    return Scored(slot, hyperparameters, seeds, values)


def _values(sweep: SweepConfig, results: Sequence[CandidateResult], metric: str) -> tuple[float, ...]:
    for one in results:
        if metric not in one.metrics:
            known = ", ".join(one.metrics) or "none"
            raise UserError(
                f"sweep {sweep.name}: {one.slot.key}/seed{one.seed} has no metric {metric} (it has {known}); "
                "correct the sweep's metrics in config/sweeps.yaml"
            )
    return tuple(one.metrics[metric] for one in results)


def _apply_guardrails(sweep: SweepConfig, scored: Sequence[Scored]) -> tuple[list[Scored], list[Dropped]]:
    kept, violators = [], []
    for one in scored:
        if reason := guardrail_violation(one, sweep.metrics):
            violators.append(Dropped(one.slot, one.hyperparameters, one.seeds, reason, one.values))
        else:
            kept.append(one)
    return kept, violators


def _decide(
    sweep: SweepConfig,
    scale: str,
    stage: int,
    scored: Sequence[Scored],
    dropped: Sequence[Dropped],
    skipped: Sequence[Skipped],
) -> Selection:
    ranking = rank(scored, sweep.metrics)
    note = None
    if ranking:
        winner = ranking[0].candidate.hyperparameters
    elif stage == 1 and sweep.four_stage:
        winner = Hyperparameters(min(sweep.train_lr), sweep.pioneer_budget)
        note = "no candidate of stage 1 is left: stage 2 uses the smallest train lr"
    else:
        last = dropped[-1]
        raise UserError(
            f"sweep {sweep.name}: no candidate is left after stage {stage} ({len(dropped)} dropped; "
            f"{last.slot.key}: {last.reason}); change its grids or guardrails in config/sweeps.yaml"
        )
    return Selection(sweep.name, scale, stage, tuple(ranking), tuple(dropped), tuple(skipped), winner, note)
