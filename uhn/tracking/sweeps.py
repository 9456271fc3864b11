"""A sweep in the store: a summary for each stage, with its candidates beneath it, to be compared in the UI."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from uhn.paths import selection_file
from uhn.sweeps.candidate import SKIPPED, Candidate
from uhn.sweeps.files import candidate_files
from uhn.sweeps.grids import SweepConfig
from uhn.sweeps.identity import read_stage
from uhn.sweeps.selection import Selection, read_selection
from uhn.tracking import content, store
from uhn.tracking.runs import RunGroup, TrackedRun, digest_of, read_run, sha256_of
from uhn.tracking.sync import RUN_KEY, TrackingResult, sync_group


def track_sweep(
    sweeps: Path, sweep: SweepConfig, scale: str, uri: str, experiment: str | None = None
) -> TrackingResult:
    """Index a finished sweep; what the store holds already is left alone.

    Args:
        sweeps: folder of all sweeps of the scale.
        sweep: the sweep.
        scale: its scale.
        uri: tracking URI of the store.
        experiment: name of the experiment; ``uhn-<scale>-sweeps`` unless given.

    Returns:
        How many candidates were written and how many were there already.

    Raises:
        UserError: a file of the sweep or the store cannot be used; nothing is written when a file cannot.
    """
    groups = stage_groups(sweeps, sweep, scale)
    with store.opened(uri) as (client, artifacts):
        experiment_id = store.experiment_id(client, uri, experiment or f"uhn-{scale}-sweeps", artifacts)
        tracked = sum(sync_group(client, experiment_id, group) for group in groups)
    return TrackingResult(tracked, sum(len(group.runs) for group in groups) - tracked, store.shown(uri))


def stage_groups(sweeps: Path, sweep: SweepConfig, scale: str) -> list[RunGroup]:
    """Read the files of all stages of a sweep as groups, in order; see :func:`track_sweep`."""
    groups: list[RunGroup] = []
    for stage in sweep.stages:
        runs = read_candidates(sweeps, sweep, scale, stage)
        file = selection_file(sweeps, sweep.name, stage)
        selection = read_selection(file, sweep, scale)
        groups.append(stage_group(file, sweep, selection, runs, groups[-1].end_ms if groups else 0))
    return groups


def read_candidates(sweeps: Path, sweep: SweepConfig, scale: str, stage: int) -> list[TrackedRun]:
    """Read the candidates that ran in a stage, one run for each of their seeds."""
    runs = []
    candidates = read_stage(sweeps, sweep, scale, stage)
    for path, candidate in zip(candidate_files(sweeps, sweep, stage), candidates, strict=True):
        if candidate.status != SKIPPED:
            run = as_candidate(read_run(path.parent), candidate, sweep.name)
            runs.append(replace(run, digest=digest_of([run.digest, sha256_of(path)])))
    return runs


def as_candidate(run: TrackedRun, candidate: Candidate, sweep: str) -> TrackedRun:
    """Return a run under the name of its slot, with the hyperparameters in the paper's units."""
    group = stage_key(run.result["scale"], sweep, candidate.slot.stage)
    name = f"{candidate.slot.name}/seed{run.result['seed']}"
    return replace(
        run,
        group=group,
        key=f"{group}/{name}",
        name=name,
        tags={"uhn.kind": "candidate", "uhn.sweep": sweep, "uhn.slot": candidate.slot.key},
        params={f"candidate.{key}": value for key, value in candidate.hyperparameters.to_dict().items()},
    )


def stage_group(
    file: Path, sweep: SweepConfig, selection: Selection, runs: list[TrackedRun], before_ms: int
) -> RunGroup:
    """Return the group of a stage; one in which nothing ran has the time at which the stage before ended."""
    key = stage_key(selection.scale, selection.sweep, selection.stage)
    end_ms = max([before_ms, *(run.end_ms for run in runs)])
    winner = selection.winner.to_dict()
    return RunGroup(
        key=key,
        runs=runs,
        digest=digest_of([sha256_of(file), *(f"{run.key} {run.digest}" for run in runs)]),
        tags=stage_tags(key, selection),
        params={f"winner.{name}": content.as_text(value) for name, value in winner.items()},
        metrics=stage_metrics(sweep, selection),
        start_ms=min([end_ms, *(run.start_ms for run in runs)]),
        end_ms=end_ms,
        completed=True,
        artifacts=(file,),
        is_whole=True,
    )


def stage_key(scale: str, sweep: str, stage: int) -> str:
    """Name a stage in the store."""
    return f"{scale}/sweeps/{sweep}/stage{stage}"


def stage_metrics(sweep: SweepConfig, selection: Selection) -> dict[str, float]:
    """Return the means over seeds of the best candidate under the metrics' own names, and the counts."""
    means = {}
    if selection.ranking:
        best = selection.ranking[0].candidate
        means = {metric.name: best.mean(metric.name) for metric in sweep.metrics}
    return means | {"n_ranked": len(selection.ranking), "n_dropped": len(selection.dropped)}


def stage_tags(key: str, selection: Selection) -> dict[str, str]:
    """Return the tags of the summary of a stage."""
    note = f"Stage {selection.stage} of sweep {selection.sweep}, on validation data. "
    note += selection.note or "The parameters are those of the best candidate of this and all earlier stages."
    note += "".join(f" Dropped: {candidate.slot.key}, {candidate.reason}." for candidate in selection.dropped)
    return content.as_tags(
        {
            "uhn.kind": "stage",
            "uhn.scale": selection.scale,
            "uhn.sweep": selection.sweep,
            "uhn.group": key,
            RUN_KEY: key,
            "uhn.status": "completed",
            "mlflow.source.name": "uhn sweep",
            "mlflow.source.type": "LOCAL",
            "mlflow.note.content": note,
        }
    )
