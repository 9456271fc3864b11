"""Bringing a store in line with run directories: what is missing is written, what changed is replaced.

Every run of the store carries the digest of the files it was made from, set last. A run without it is what a
killed process left behind, and is replaced like one whose files changed.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from uhn.errors import UserError
from uhn.tracking import content, store
from uhn.tracking.runs import Point, TrackedRun, digest_of, read_run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

DIGEST = "uhn.digest"
PARENT = "mlflow.parentRunId"
RUN_KEY = "uhn.run_key"

# MLflow's limits of one request: metrics, and parameters.
METRICS_PER_BATCH = 1000
PARAMS_PER_BATCH = 100


class Outcome(NamedTuple):
    """What a call did."""

    tracked: int
    skipped: int
    uri: str


def track_runs(
    paths: Iterable[Path], uri: str = store.DEFAULT_URI, experiment: str | None = None, progress: bool = False
) -> Outcome:
    """Index finished runs: one summary per (scale, setting, variant), one run per seed beneath it.

    A summary covers exactly the runs of this call, so give all seeds of a variant together. Runs of other
    seeds that the store already has stay beneath the same summary; its tag ``uhn.seeds`` says what it covers.

    Args:
        paths: run directories.
        uri: tracking URI of the store.
        experiment: name of the experiment; ``uhn-<scale>`` unless given.
        progress: whether to draw a progress bar (never drawn without a terminal).

    Returns:
        How many runs were written and how many were there already.

    Raises:
        UserError: a run directory or the store cannot be used; nothing is written when a directory cannot.
    """
    groups = grouped(read_run(path) for path in unique(paths))
    tracked = 0
    with store.opened(uri) as (client, artifacts):
        for members in with_progress(list(groups.values()), progress):
            name = experiment or f"uhn-{members[0].result['scale']}"
            tracked += sync_group(client, store.experiment_id(client, name, artifacts), members)
    return Outcome(tracked, sum(map(len, groups.values())) - tracked, store.shown(uri))


def unique(paths: Iterable[Path]) -> list[Path]:
    """Drop paths that name the same folder again."""
    return list({Path(path).resolve(): Path(path) for path in paths}.values())


def with_progress(groups: list[list[TrackedRun]], progress: bool) -> Iterable[list[TrackedRun]]:
    """Show a bar over the groups on a terminal."""
    if not (progress and sys.stderr.isatty()):
        return groups
    from tqdm import tqdm

    return tqdm(groups, desc="tracking", unit="variant")


def grouped(runs: Iterable[TrackedRun]) -> dict[str, list[TrackedRun]]:
    """Sort runs into their groups, each ordered by seed."""
    groups: dict[str, dict[int, TrackedRun]] = defaultdict(dict)
    for run in runs:
        other = groups[run.group].setdefault(run.result["seed"], run)
        if other is not run:
            raise UserError(f"{run.path} and {other.path} are both {run.key}; give only one of them")
    return {group: [members[seed] for seed in sorted(members)] for group, members in sorted(groups.items())}


def sync_group(client: MlflowClient, experiment_id: str, members: list[TrackedRun]) -> int:
    """Write the summary and the runs of one variant where the store differs; count the runs written."""
    present = list(search_group(client, experiment_id, members[0].group))
    digest = digest_of([f"{run.key} {run.digest}" for run in members])
    parent = keep_current(client, present, members[0].group, digest)
    parent_id = parent or start_summary(client, experiment_id, members)
    tracked = 0
    for run in members:
        if keep_current(client, present, run.key, run.digest) is None:
            write_run(client, experiment_id, run, parent_id)
            tracked += 1
    adopt(client, experiment_id, members[0].group, parent_id)
    if parent is None:
        client.set_tag(parent_id, DIGEST, digest)
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


def start_summary(client: MlflowClient, experiment_id: str, members: list[TrackedRun]) -> str:
    """Write the summary of a group but for its digest; return its id."""
    end_ms = max(run.end_ms for run in members)
    run_id = create(
        client,
        experiment_id,
        name=members[0].group.partition("/")[2],
        start_ms=min(run.start_ms for run in members),
        tags=content.summary_tags(members),
    )
    log_data(client, run_id, members[0])
    log(client, run_id, content.shared_params(members), content.points_at(end_ms, content.summarise(members)))
    finish(client, run_id, any(run.completed for run in members), end_ms)
    return run_id


def write_run(client: MlflowClient, experiment_id: str, run: TrackedRun, parent_id: str) -> None:
    """Write one run, its digest last."""
    tags = content.tags_of(run) | {PARENT: parent_id}
    run_id = create(client, experiment_id, run.name, run.start_ms, tags)
    log_data(client, run_id, run)
    log(client, run_id, content.params_of(run), content.final_points(run) + run.points)
    for name in ("run.json", "result.json"):
        client.log_artifact(run_id, str(run.path / name))
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


def finish(client: MlflowClient, run_id: str, good: bool, end_ms: int) -> None:
    """End a run with its recorded time."""
    client.set_terminated(run_id, status="FINISHED" if good else "FAILED", end_time=end_ms)


def adopt(client: MlflowClient, experiment_id: str, group: str, parent_id: str) -> None:
    """Put every seed of a group beneath the current summary."""
    for run in search_group(client, experiment_id, group):
        if run.info.run_id != parent_id and run.data.tags.get(PARENT) != parent_id:
            client.set_tag(run.info.run_id, PARENT, parent_id)
