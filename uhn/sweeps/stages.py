"""The four stages: what stands in each slot, and what each stage decides (paper, Appendix F).

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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from uhn.errors import UserError
from uhn.sweeps.candidate import COMPLETED, DROPPED, SKIPPED, Candidate
from uhn.sweeps.grids import EXTRA_SEEDS_STAGE, TOP, Hyperparameters, Slot, SweepConfig
from uhn.sweeps.ranking import Ranked, guardrail_violation, rank
from uhn.sweeps.selection import Selection


def candidate_at(sweep: SweepConfig, slot: Slot, previous: Selection | None) -> Candidate:
    """Return the candidate that stands in a slot: planned, or skipped where there is nothing to train.

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
        if slot.i < len(previous.ranking):
            return Candidate(slot, previous.ranking[slot.i].candidate.hyperparameters)
        return _skipped(slot, f"stage {previous.stage} left fewer than {TOP} candidates ({len(previous.ranking)})")
    outer, inner = sweep.axes(slot.stage)
    first, second = outer[slot.i], inner[slot.j]
    if slot.stage == 1:
        return Candidate(slot, Hyperparameters(first, second))
    if slot.stage == 2:
        return Candidate(slot, Hyperparameters(previous.winner.train_lr, sweep.pioneer_budget, first, second))
    chosen = Hyperparameters(first, second, previous.winner.init_lr, previous.winner.init_steps)
    if ran := previous.slot_of(chosen):
        return _skipped(slot, f"ran in stage {ran.stage} as {ran.name}", ran)
    return Candidate(slot, chosen)


def select(
    sweep: SweepConfig, scale: str, stage: int, results: Iterable[Candidate], previous: Selection | None = None
) -> Selection:
    """Decide a stage.

    Args:
        sweep: the sweep.
        scale: its scale.
        stage: the stage.
        results: what came of every slot and seed of the stage, in any order.
        previous: the selection of the stage before; None for stage 1.

    Raises:
        UserError: a result is missing, doubled or not of this selection's candidates, or no candidate is left.
    """
    planned = {slot: candidate_at(sweep, slot, previous) for slot in sweep.slots(stage)}
    by_slot = _by_slot(sweep, stage, results, planned)
    earlier = [entry.candidate for entry in previous.ranking] if previous else []
    extra_seeds = stage == EXTRA_SEEDS_STAGE
    tried = [
        _pool(sweep, earlier[slot.i] if extra_seeds else one, by_slot[slot])
        for slot, one in planned.items()
        if one.status != SKIPPED
    ]
    completed = [*([] if extra_seeds else earlier), *_with_status(tried, COMPLETED)]
    if stage in (sweep.last_search_stage, EXTRA_SEEDS_STAGE):
        completed = [_guarded(sweep, one) for one in completed]
    dropped = [*(previous.dropped if previous else ()), *_with_status([*tried, *completed], DROPPED)]
    skipped = [*(previous.skipped if previous else ()), *_with_status(planned.values(), SKIPPED)]
    ranking = rank(_with_status(completed, COMPLETED), sweep.metrics)
    winner, note = _winner(sweep, stage, ranking, dropped)
    return Selection(sweep.name, scale, stage, tuple(ranking), tuple(dropped), tuple(skipped), winner, note)


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


def _skipped(slot: Slot, reason: str, same_as: Slot | None = None) -> Candidate:
    return Candidate(slot, None, SKIPPED, reason=reason, same_as=same_as)


def _with_status(candidates: Iterable[Candidate], status: str) -> list[Candidate]:
    return [one for one in candidates if one.status == status]


def _winner(
    sweep: SweepConfig, stage: int, ranking: Sequence[Ranked], dropped: Sequence[Candidate]
) -> tuple[Hyperparameters, str | None]:
    """Return the best hyperparameters, and a note where none of the ranking has them."""
    if ranking:
        return ranking[0].candidate.hyperparameters, None
    if stage == 1 and sweep.four_stage:
        smallest = Hyperparameters(min(sweep.train_lr), sweep.pioneer_budget)
        return smallest, "no candidate of stage 1 is left: stage 2 uses the smallest train lr"
    last = dropped[-1]
    raise UserError(
        f"sweep {sweep.name}: no candidate is left after stage {stage} ({len(dropped)} dropped; "
        f"{last.slot.key}: {last.reason}); change its grids or guardrails in config/sweeps.yaml"
    )


def _check_previous(sweep: SweepConfig, stage: int, previous: Selection | None) -> None:
    expected, found = sweep.previous_stage(stage), previous and previous.stage
    if expected != found:
        raise UserError(f"sweep {sweep.name}, stage {stage}: expected the selection of stage {expected}, got {found}")
    if previous and previous.sweep != sweep.name:
        raise UserError(f"sweep {sweep.name}: got the selection of sweep {previous.sweep}; give its own")


def _by_slot(
    sweep: SweepConfig, stage: int, results: Iterable[Candidate], planned: Mapping[Slot, Candidate]
) -> dict[Slot, list[Candidate]]:
    """Sort the results by slot and seed and check that they are complete and belong to the planned candidates."""
    by_slot: dict[Slot, dict[int, Candidate]] = {slot: {} for slot in planned}
    for result in results:
        (seed,) = result.seeds
        where = f"sweep {sweep.name}: {result.slot.key}/seed{seed}"
        if result.slot not in planned or seed not in sweep.seeds(stage):
            raise UserError(f"{where} is no run of stage {stage}; remove it from the stage's results")
        if seed in by_slot[result.slot]:
            raise UserError(f"{where} is there twice; give each result once")
        one = planned[result.slot]
        if result.hyperparameters != one.hyperparameters or (one.status == SKIPPED) != (result.status == SKIPPED):
            raise UserError(f"{where} comes from another selection of the stage before; delete it and rerun its job")
        by_slot[result.slot][seed] = result
    for slot, seeds in by_slot.items():
        if missing := [seed for seed in sweep.seeds(stage) if seed not in seeds]:
            raise UserError(f"sweep {sweep.name}: {slot.key}/seed{missing[0]} has no result; run its job first")
    return {slot: [seeds[seed] for seed in sweep.seeds(stage)] for slot, seeds in by_slot.items()}


def _pool(sweep: SweepConfig, candidate: Candidate, results: Sequence[Candidate]) -> Candidate:
    """Add the results of a stage's seeds to a candidate; one that diverged drops it."""
    seeds = (*candidate.seeds, *(seed for one in results for seed in one.seeds))
    failures = [f"seed {one.seeds[0]}: {one.status}, {one.reason}" for one in results if one.status != COMPLETED]
    if failures:
        return replace(candidate, status=DROPPED, seeds=seeds, values={}, reason="; ".join(failures))
    values = {
        metric.name: (*candidate.values.get(metric.name, ()), *_values(sweep, results, metric.name))
        for metric in sweep.metrics
    }
    return replace(candidate, status=COMPLETED, seeds=seeds, values=values)


def _values(sweep: SweepConfig, results: Sequence[Candidate], metric: str) -> list[float]:
    for one in results:
        if metric not in one.values:
            known = ", ".join(one.values) or "none"
            raise UserError(
                f"sweep {sweep.name}: {one.slot.key}/seed{one.seeds[0]} has no metric {metric} (it has {known}); "
                "correct the sweep's metrics in config/sweeps.yaml"
            )
    return [one.values[metric][0] for one in results]


def _guarded(sweep: SweepConfig, candidate: Candidate) -> Candidate:
    reason = guardrail_violation(candidate, sweep.metrics)
    return replace(candidate, status=DROPPED, reason=reason) if reason else candidate
