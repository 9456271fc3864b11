"""Decisions of sweeps of earlier releases, brought to the present layout of their files. No number changes."""

from __future__ import annotations

from pathlib import Path

from uhn.errors import UserError
from uhn.files import read_json
from uhn.runs.folder import SCHEMA_VERSION
from uhn.sweeps.files import candidate_files, read_previous, read_sources, selection_files
from uhn.sweeps.grids import SweepConfig
from uhn.sweeps.selection import read_candidate, selection_record, write_selection
from uhn.sweeps.stages import select


def migrate_sweep(sweeps: Path, sweep: SweepConfig, scale: str) -> bool:
    """Let every decision of a sweep name what it was made from; its candidates have been migrated.

    Returns:
        Whether anything was written.

    Raises:
        UserError: a decision is not what its candidates give.
    """
    changed = False
    for stage, path in zip(sweep.stages, selection_files(sweeps, sweep), strict=True):
        if not path.exists():
            break
        record = read_json(path)
        if not isinstance(record, dict) or record.get("schema_version") == SCHEMA_VERSION:
            continue
        candidates = [read_candidate(file, sweep, scale) for file in candidate_files(sweeps, sweep, stage)]
        decided = select(sweep, scale, stage, candidates, read_previous(sweeps, sweep, scale, stage))
        sources = read_sources(sweeps, sweep, scale, stage)
        made = selection_record(decided, sources)
        old = {key: value for key, value in record.items() if key != "schema_version"}
        if names := [name for name in old if old[name] != made.get(name)]:
            raise UserError(f"{path}: its {names[0]} is not what its candidates give; decide it again")
        write_selection(path, decided, sources)
        changed = True
    return changed
