"""Whether the files of a sweep are those of its candidates and decisions, made from one another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from uhn.errors import UserError
from uhn.paths import candidate_dir, selection_file
from uhn.runs.folder import CANDIDATE
from uhn.runs.identity import read_finished, read_identity
from uhn.sweeps.candidate import SKIPPED, Candidate
from uhn.sweeps.expected import Expectation, source_kind
from uhn.sweeps.files import candidate_file, read_previous, read_sources
from uhn.sweeps.grids import Slot, SweepConfig
from uhn.sweeps.selection import (
    Selection,
    candidate_record,
    parse_candidate,
    read_candidate_record,
    read_selection_record,
    selection_record,
)
from uhn.sweeps.stages import candidate_at, select


def read_checked(
    folder: Path, sweep: SweepConfig, scale: str, slot: Slot, seed: int, previous: Selection | None, source: str | None
) -> Candidate:
    """Read a candidate with one seed and hold it against its run and the decision before.

    Args:
        folder: of its files.
        sweep, scale, slot, seed: which one it must be.
        previous: the decision of the stage before.
        source: kind of its data source; None: the one of its run.

    Raises:
        UserError: a file is missing, damaged, or of another candidate; one line that names both sides.
    """
    planned, path = candidate_at(sweep, slot, previous), folder / CANDIDATE
    record = read_candidate_record(path, sweep, scale)
    if planned.status == SKIPPED:
        made = candidate_record(sweep, scale, replace(planned, seeds=(seed,)), None)
    else:
        source = source or source_kind(read_identity(folder)[0])
        config = Expectation(scale, source).candidate(sweep, planned.hyperparameters, seed)
        if record["status"] != SKIPPED and record["result_sha256"] is None:  # published without its result
            _, run = read_identity(folder, config)
            facts = {"slot": slot.key, "seed": seed, "config_digest": run["config_digest"]}
            made = record | facts | {"hyperparameters": planned.hyperparameters.to_dict()}
        else:
            result = read_finished(folder, config).result
            made = candidate_record(sweep, scale, planned.after(result), result)
    if names := [name for name in made if record[name] != made[name]]:
        raise UserError(
            f"{path}: {names[0]} is {record[names[0]]}, expected {made[names[0]]}; delete the file and rerun its job"
        )
    return parse_candidate(record)


def candidate_problem(
    sweeps: Path,
    sweep: SweepConfig,
    scale: str,
    slot: Slot,
    seed: int,
    previous: Selection | None,
    source: str | None = None,
) -> str | None:
    """Say why a folder does not hold what came of a candidate; None if it does. See :func:`read_checked`."""
    try:
        folder = candidate_dir(sweeps, sweep.name, slot.key, seed)
        read_checked(folder, sweep, scale, slot, seed, previous, source)
    except UserError as error:
        return str(error)
    return None


def read_stage(sweeps: Path, sweep: SweepConfig, scale: str, stage: int, source: str | None = None) -> list[Candidate]:
    """Read all candidates of a stage and hold them against their runs and the decision before.

    Raises:
        UserError: one is missing, damaged, or of another candidate.
    """
    previous = read_previous(sweeps, sweep, scale, stage)
    return [
        read_checked(candidate_file(sweeps, sweep, slot, seed).parent, sweep, scale, slot, seed, previous, source)
        for slot in sweep.slots(stage)
        for seed in sweep.seeds(stage)
    ]


def selection_problem(sweeps: Path, sweep: SweepConfig, scale: str, stage: int) -> str | None:
    """Say why a stage is not decided by what its candidates report; None if it is.

    The candidates themselves are another matter, see :func:`candidate_problem`.
    """
    path = selection_file(sweeps, sweep.name, stage)
    try:
        record = read_selection_record(path, sweep, scale)
        sources = read_sources(sweeps, sweep, scale, stage)
        candidates = [
            parse_candidate(read_candidate_record(candidate_file(sweeps, sweep, slot, seed), sweep, scale))
            for slot in sweep.slots(stage)
            for seed in sweep.seeds(stage)
        ]
        decided = select(sweep, scale, stage, candidates, read_previous(sweeps, sweep, scale, stage))
    except UserError as error:
        return str(error)
    made = selection_record(decided, sources)
    if names := [name for name in made if record[name] != made[name]]:
        return f"{path}: its {names[0]} is not what its candidates and the decision before give; decide it again"
    return None
