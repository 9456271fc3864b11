"""The files of a sweep in its folder: candidates and decisions, stage by stage."""

from __future__ import annotations

from pathlib import Path

from uhn.errors import UserError
from uhn.paths import candidate_dir, selection_file
from uhn.runs.folder import CANDIDATE
from uhn.sweeps.candidate import Candidate
from uhn.sweeps.grids import Slot, SweepConfig
from uhn.sweeps.selection import Selection, read_candidate, read_selection


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


def read_stage(sweeps: Path, sweep: SweepConfig, scale: str, stage: int) -> list[Candidate]:
    """Read all candidates of a stage.

    Raises:
        UserError: one is missing, damaged, or of another sweep.
    """
    return [read_candidate(path, sweep, scale) for path in candidate_files(sweeps, sweep, stage)]


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
        UserError: a file is damaged.
    """
    decided = []
    for path in selection_files(sweeps, sweep):
        if not path.exists():
            break
        decided.append(read_selection(path, sweep, scale))
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
