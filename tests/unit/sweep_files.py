"""Files of a whole sweep, written without training: candidates with their runs, and decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from run_files import write_run
from sweep_cases import SMALL

from uhn.paths import selection_file
from uhn.runs.folder import GENERATOR
from uhn.runs.identity import read_finished
from uhn.sweeps.candidate import SKIPPED
from uhn.sweeps.expected import Expectation
from uhn.sweeps.files import candidate_file, read_previous, read_sources
from uhn.sweeps.grids import SweepConfig
from uhn.sweeps.identity import read_stage
from uhn.sweeps.selection import write_candidate, write_selection
from uhn.sweeps.stages import candidate_at, select

# The small sweep, of an experiment that there is
SWEEP = replace(SMALL, setting="kan_kv")
# lr 0.2 is better than 0.1, no initialisation is best: all of stage 3 at the pioneer budget ran before; i1_j1 diverged
VALUES = {1: {"i0_j0": 0.5, "i1_j0": 0.9}, 2: dict.fromkeys(["i0_j0", "i0_j1", "i1_j0", "i1_j1"], 0.4)}
VALUES |= {3: {"i0_j1": 0.6, "i1_j1": None}, 4: {"r0": 0.9, "r1": 0.7, "r2": 0.6}}


def write_sweep(sweeps: Path, sweep: SweepConfig, scale: str, values: Mapping[int, Mapping[str, Any]] = VALUES) -> None:
    """Write all stages; ``values`` are validation metrics by stage and slot, None of a diverged run."""
    for stage in values:
        write_stage(sweeps, sweep, scale, stage, values[stage])


def write_stage(sweeps: Path, sweep: SweepConfig, scale: str, stage: int, values: Mapping[str, Any]) -> None:
    """Write the candidates and the decision of a stage."""
    previous = read_previous(sweeps, sweep, scale, stage)
    for slot in sweep.slots(stage):
        for seed in sweep.seeds(stage):
            candidate, path = candidate_at(sweep, slot, previous), candidate_file(sweeps, sweep, slot, seed)
            if candidate.status == SKIPPED:
                write_candidate(path, sweep, scale, replace(candidate, seeds=(seed,)))
                continue
            config = Expectation(scale).candidate(sweep, candidate.hyperparameters, seed)
            value = values[slot.name]
            outcome = {"metrics": {metric.name: value for metric in sweep.metrics}}
            if value is None:
                outcome = {"status": "diverged", "reason": "loss not finite at train step 3", "metrics": {}}
            write_run(path.parent, config, result=outcome)
            (path.parent / GENERATOR).unlink()
            result = read_finished(path.parent, config).result
            write_candidate(path, sweep, scale, candidate.after(result), result)
    decided = select(sweep, scale, stage, read_stage(sweeps, sweep, scale, stage), previous)
    path = selection_file(sweeps, sweep.name, stage)
    write_selection(path, decided, read_sources(sweeps, sweep, scale, stage))
