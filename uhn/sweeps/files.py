"""The files of a sweep in its folder: candidates and decisions, stage by stage."""

from __future__ import annotations

import hashlib
from pathlib import Path

from uhn.errors import UserError
from uhn.paths import candidate_dir, selection_file
from uhn.runs.folder import CANDIDATE, SEAL
from uhn.sweeps.grids import Slot, SweepConfig
from uhn.sweeps.selection import (
    Selection,
    Sources,
    read_candidate_record,
    read_selection,
    read_selection_record,
)


def candidate_file(sweeps: Path, sweep: SweepConfig, slot: Slot, seed: int) -> Path:
    """Return the ``candidate.json`` of a slot and seed."""
    return candidate_dir(sweeps, sweep.name, slot.key, seed) / CANDIDATE


def candidate_files(sweeps: Path, sweep: SweepConfig, stage: int) -> list[Path]:
    """Return the ``candidate.json`` of every slot and seed of a stage."""
    pairs = [(slot, seed) for slot in sweep.slots(stage) for seed in sweep.seeds(stage)]
    return [candidate_file(sweeps, sweep, slot, seed) for slot, seed in pairs]


def selection_files(sweeps: Path, sweep: SweepConfig) -> list[Path]:
    """Return the ``selected.json`` of every stage, in order."""
    return [selection_file(sweeps, sweep.name, stage) for stage in sweep.stages]


def read_sources(sweeps: Path, sweep: SweepConfig, scale: str, stage: int) -> Sources:
    """Read what a stage is decided from: its sweep, the files of its candidates, the decision before.

    Raises:
        UserError: one is missing, damaged, or of another sweep.
    """
    seals = [read_candidate_record(path, sweep, scale)[SEAL] for path in candidate_files(sweeps, sweep, stage)]
    before, previous = sweep.previous_stage(stage), None
    if before is not None:
        previous = read_selection_record(selection_file(sweeps, sweep.name, before), sweep, scale)[SEAL]
    return Sources(sweep.digest, hashlib.sha256("\n".join(seals).encode()).hexdigest(), previous)


def read_previous(sweeps: Path, sweep: SweepConfig, scale: str, stage: int) -> Selection | None:
    """Read what the stage before decided; None for the first stage.

    Raises:
        UserError: that stage has not been decided, or the file is damaged.
    """
    before = sweep.previous_stage(stage)
    return None if before is None else read_selection(selection_file(sweeps, sweep.name, before), sweep, scale)


def read_decided(sweeps: Path, sweep: SweepConfig, scale: str) -> list[Selection]:
    """Read the decisions there are, in order, up to the first stage that is not decided.

    Raises:
        UserError: a file is damaged, or decided after another decision than the one before it.
    """
    decided, before = [], None
    for path in selection_files(sweeps, sweep):
        if not path.exists():
            break
        record = read_selection_record(path, sweep, scale)
        if record["previous_sha256"] != before:
            made_from, expected = str(record["previous_sha256"])[:12], str(before)[:12]
            raise UserError(f"{path}: decided after decision {made_from}, expected {expected}; decide it again")
        decided.append(read_selection(path, sweep, scale))
        before = record[SEAL]
    return decided


def read_final(path: Path, sweep: SweepConfig, scale: str) -> Selection:
    """Read the decision of the last stage, which the final runs take over.

    Raises:
        UserError: the file is missing, damaged, of another sweep, or of an earlier stage.
    """
    selection = read_selection(path, sweep, scale)
    if selection.stage != sweep.stages[-1]:
        raise UserError(f"{path}: decides stage {selection.stage}, expected the last, stage {sweep.stages[-1]}")
    return selection
