"""Bringing a store in line with run directories: what is missing is written, what changed is replaced.

Every run of the store carries the digest of the files it was made from, set last. A run without it is what a
killed process left behind, and is replaced like one whose files changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from uhn.tracking import content
from uhn.tracking.runs import Point, RunGroup, TrackedRun

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

DIGEST = "uhn.digest"
PARENT = "mlflow.parentRunId"
RUN_KEY = "uhn.run_key"

# MLflow's limits of one request: metrics, and parameters.
METRICS_PER_BATCH = 1000
PARAMS_PER_BATCH = 100


class TrackingResult(NamedTuple):
    """What a call did: runs written, runs that were there already, and the store."""

    tracked: int
    skipped: int
    uri: str


def sync_group(client: MlflowClient, experiment_id: str, group: RunGroup) -> int:
    """Write the summary and the runs of a group where the store differs; return the number of runs written."""
    present = list(search_group(client, experiment_id, group.key))
    if group.is_whole:
        keys = {group.key, *(run.key for run in group.runs)}
        for run in present:
            if run.data.tags.get(RUN_KEY) not in keys:
                client.delete_run(run.info.run_id)
    current = keep_current(client, present, group.key, group.digest)
    summary_id = current or start_summary(client, experiment_id, group)
    tracked = 0
    for run in group.runs:
        if keep_current(client, present, run.key, run.digest) is None:
            write_run(client, experiment_id, run, summary_id)
            tracked += 1
    adopt(client, experiment_id, group.key, summary_id)
    if current is None:
        client.set_tag(summary_id, DIGEST, group.digest)
    return tracked


def search_group(client: MlflowClient, experiment_id: str, group: str) -> Iterator[Run]:
    """Yield all runs of a group, page by page."""
    token = None
    while True:
        page = client.search_runs([experiment_id], filter_string=f"tags.\"uhn.group\" = '{group}'", page_token=token)
        yield from page
        if not (token := page.token):
            return


def keep_current(client: MlflowClient, present: list[Run], key: str, digest: str) -> str | None:
    """Return the run of a key that was made from these very files, and delete all others of the key."""
    candidates = [run for run in present if run.data.tags.get(RUN_KEY) == key]
    current = next((run.info.run_id for run in candidates if run.data.tags.get(DIGEST) == digest), None)
    for run in candidates:
        if run.info.run_id != current:
            client.delete_run(run.info.run_id)
    return current


def start_summary(client: MlflowClient, experiment_id: str, group: RunGroup) -> str:
    """Write the summary of a group but for its digest; return its id."""
    run_id = create(client, experiment_id, group.name, group.start_ms, group.tags)
    if group.runs:
        log_data(client, run_id, group.runs[0])
    log(client, run_id, group.params, content.points_at(group.end_ms, group.metrics))
    for path in group.artifacts:
        client.log_artifact(run_id, str(path))
    finish(client, run_id, group.completed, group.end_ms)
    return run_id


def write_run(client: MlflowClient, experiment_id: str, run: TrackedRun, parent_id: str) -> None:
    """Write one run, its digest last."""
    tags = content.tags_of(run) | {PARENT: parent_id}
    run_id = create(client, experiment_id, run.name, run.start_ms, tags)
    log_data(client, run_id, run)
    log(client, run_id, content.params_of(run), content.final_points(run) + run.points)
    for name in ("run.json", "result.json"):
        client.log_artifact(run_id, str(run.folder / name))
    finish(client, run_id, run.completed, run.end_ms)
    client.set_tag(run_id, DIGEST, run.digest)


def create(client: MlflowClient, experiment_id: str, name: str, start_ms: int, tags: dict[str, str]) -> str:
    """Start a run with recorded time and explicit experiment; return its id."""
    return client.create_run(experiment_id, start_time=start_ms, tags=tags, run_name=name).info.run_id


def log_data(client: MlflowClient, run_id: str, run: TrackedRun) -> None:
    """Name the data set of a run; its tables show ``name (source)``, so stand-ins are seen at once."""
    from mlflow.entities import Dataset, DatasetInput

    name, source = run.result["data"]["dataset"], run.result["data"]["source"]
    data = Dataset(name=name, digest=source, source_type=source, source=json.dumps({"source": source}))
    client.log_inputs(run_id, datasets=[DatasetInput(data)])


def log(client: MlflowClient, run_id: str, params: dict[str, str], points: list[Point]) -> None:
    """Send parameters and points in batches within MLflow's limits."""
    from mlflow.entities import Metric, Param

    for chunk in batched(params.items(), PARAMS_PER_BATCH):
        client.log_batch(run_id, params=[Param(key, value) for key, value in chunk])
    for chunk in batched(points, METRICS_PER_BATCH):
        client.log_batch(run_id, metrics=[Metric(*point) for point in chunk])


def batched(items: Iterable, size: int) -> Iterator[list]:
    """Cut a sequence into lists of at most ``size`` items."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk


def finish(client: MlflowClient, run_id: str, completed: bool, end_ms: int) -> None:
    """End a run with its recorded time."""
    client.set_terminated(run_id, status="FINISHED" if completed else "FAILED", end_time=end_ms)


def adopt(client: MlflowClient, experiment_id: str, group: str, parent_id: str) -> None:
    """Put every run of a group beneath the current summary."""
    for run in search_group(client, experiment_id, group):
        if run.info.run_id != parent_id and run.data.tags.get(PARENT) != parent_id:
            client.set_tag(run.info.run_id, PARENT, parent_id)
