"""A sweep in the store: one parent run for each stage, with its candidates beneath it, to be compared in the UI."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uhn.paths import selection_file
from uhn.sweeps.candidate import SKIPPED, Candidate
from uhn.sweeps.files import candidate_files
from uhn.sweeps.grids import SweepConfig
from uhn.sweeps.selection import Selection, read_candidate, read_selection
from uhn.tracking import content, store
from uhn.tracking.runs import TrackedRun, digest_of, read_run, sha256_of
from uhn.tracking.sync import (
    DIGEST,
    RUN_KEY,
    Outcome,
    adopt,
    create,
    finish,
    keep_current,
    log,
    log_data,
    search_group,
    write_run,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class TrackedCandidate(TrackedRun):
    """One candidate and seed of a sweep."""

    sweep: str
    candidate: Candidate

    @property
    def group(self) -> str:
        """Name the stage: ``<scale>/sweeps/<sweep>/stage<k>``."""
        return stage_key(self.result["scale"], self.sweep, self.candidate.slot.stage)

    @property
    def key(self) -> str:
        """Name this candidate in a store: ``<stage>/<place>/seed<k>``."""
        return f"{self.group}/{self.candidate.slot.name}/seed{self.result['seed']}"

    @property
    def name(self) -> str:
        """Name this candidate for people, below its stage."""
        return f"{self.candidate.slot.name}/seed{self.result['seed']}"

    @property
    def own_tags(self) -> dict[str, Any]:
        """Return the sweep and the place in it."""
        return {"uhn.kind": "candidate", "uhn.sweep": self.sweep, "uhn.slot": self.candidate.slot.key}

    @property
    def own_params(self) -> dict[str, Any]:
        """Return what the sweep varies, in the paper's units."""
        return {f"candidate.{name}": value for name, value in self.candidate.hyperparameters.to_dict().items()}


@dataclass(frozen=True)
class Stage:
    """A decided stage: the candidates that ran in it, the decision, and the digest of all its files."""

    key: str
    members: list[TrackedCandidate]
    selection: Selection
    file: Path
    metrics: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Identify the content."""
        return digest_of([sha256_of(self.file), *(f"{run.key} {run.digest}" for run in self.members)])


def track_sweep(
    sweeps: Path, sweep: SweepConfig, scale: str, uri: str = store.DEFAULT_URI, experiment: str | None = None
) -> Outcome:
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
    stages = [read_stage(sweeps, sweep, scale, stage) for stage in sweep.stages]
    total = sum(len(stage.members) for stage in stages)
    tracked, clock = 0, stages[0].members[0].start_ms
    with store.opened(uri) as (client, artifacts):
        name = store.experiment_id(client, experiment or f"uhn-{scale}-sweeps", artifacts)
        for stage in stages:
            tracked += sync_stage(client, name, stage, clock)
            clock = max([clock, *(run.end_ms for run in stage.members)])
    return Outcome(tracked, total - tracked, store.shown(uri))


def stage_key(scale: str, sweep: str, stage: int) -> str:
    """Name a stage in a store."""
    return f"{scale}/sweeps/{sweep}/stage{stage}"


def read_stage(sweeps: Path, sweep: SweepConfig, scale: str, stage: int) -> Stage:
    """Read the files of a decided stage."""
    members = []
    for path in candidate_files(sweeps, sweep, stage):
        candidate = read_candidate(path, sweep, scale)
        if candidate.status != SKIPPED:
            run = read_run(path.parent)
            facts = vars(run) | {"digest": digest_of([run.digest, sha256_of(path)])}
            members.append(TrackedCandidate(**facts, sweep=sweep.name, candidate=candidate))
    file = selection_file(sweeps, sweep.name, stage)
    metrics = tuple(metric.name for metric in sweep.metrics)
    return Stage(stage_key(scale, sweep.name, stage), members, read_selection(file, sweep, scale), file, metrics)


def sync_stage(client: MlflowClient, experiment_id: str, stage: Stage, clock: int) -> int:
    """Write a stage and its candidates where the store differs, remove what is no candidate any more; count writes.

    Args:
        client: the open store.
        experiment_id: of the experiment.
        stage: the stage.
        clock: end of the stage before, the time of a stage in which nothing ran.
    """
    present = list(search_group(client, experiment_id, stage.key))
    wanted = {stage.key, *(run.key for run in stage.members)}
    for run in present:
        if run.data.tags.get(RUN_KEY) not in wanted:
            client.delete_run(run.info.run_id)
    parent = keep_current(client, present, stage.key, stage.digest)
    parent_id = parent or start_stage(client, experiment_id, stage, clock)
    tracked = 0
    for run in stage.members:
        if keep_current(client, present, run.key, run.digest) is None:
            write_run(client, experiment_id, run, parent_id)
            tracked += 1
    adopt(client, experiment_id, stage.key, parent_id)
    if parent is None:
        client.set_tag(parent_id, DIGEST, stage.digest)
    return tracked


def start_stage(client: MlflowClient, experiment_id: str, stage: Stage, clock: int) -> str:
    """Write the parent run of a stage but for its digest; return its id."""
    end_ms = max([clock, *(run.end_ms for run in stage.members)])
    run_id = create(
        client,
        experiment_id,
        name=stage.key.partition("/")[2],
        start_ms=min([end_ms, *(run.start_ms for run in stage.members)]),
        tags=stage_tags(stage),
    )
    if stage.members:
        log_data(client, run_id, stage.members[0])
    winner = stage.selection.winner.to_dict()
    params = {f"winner.{name}": content.as_text(value) for name, value in winner.items()}
    log(client, run_id, params, content.points_at(end_ms, stage_metrics(stage)))
    client.log_artifact(run_id, str(stage.file))
    finish(client, run_id, True, end_ms)
    return run_id


def stage_metrics(stage: Stage) -> dict[str, float]:
    """Return the means over seeds of the best candidate under the metrics' own names, and the counts."""
    selection = stage.selection
    best = selection.ranking[0].candidate if selection.ranking else None
    counts = {"n_ranked": len(selection.ranking), "n_dropped": len(selection.dropped)}
    return ({name: best.mean(name) for name in stage.metrics} if best else {}) | counts


def stage_tags(stage: Stage) -> dict[str, str]:
    """Return the tags of the parent run of a stage."""
    selection = stage.selection
    note = f"Stage {selection.stage} of sweep {selection.sweep}, on validation data. "
    note += selection.note or "The parameters are those of the best candidate of this and all earlier stages."
    note += "".join(f" Dropped: {one.slot.key}, {one.reason}." for one in selection.dropped)
    return content.as_tags(
        {
            "uhn.kind": "stage",
            "uhn.scale": selection.scale,
            "uhn.sweep": selection.sweep,
            "uhn.group": stage.key,
            RUN_KEY: stage.key,
            "uhn.status": "completed",
            "mlflow.source.name": "uhn sweep",
            "mlflow.source.type": "LOCAL",
            "mlflow.note.content": note,
        }
    )
