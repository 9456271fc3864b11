"""Finished runs in the store: a summary for each variant, with its seeds beneath it."""

from __future__ import annotations

import math
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from uhn.errors import UserError
from uhn.runs.identity import name_differences
from uhn.tracking import content, store
from uhn.tracking.runs import RunGroup, TrackedRun, digest_of, read_run
from uhn.tracking.sync import TrackingResult, sync_group


def track_runs(
    paths: Iterable[Path], uri: str, experiment: str | None = None, progress: bool = False
) -> TrackingResult:
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
    groups = variant_groups(read_run(path) for path in unique(paths))
    tracked = 0
    with store.opened(uri) as (client, artifacts):
        for group in with_progress(groups, progress):
            name = experiment or f"uhn-{group.runs[0].result['scale']}"
            tracked += sync_group(client, store.experiment_id(client, uri, name, artifacts), group)
    return TrackingResult(tracked, sum(len(group.runs) for group in groups) - tracked, store.shown(uri))


def unique(paths: Iterable[Path]) -> list[Path]:
    """Drop paths that name the same folder again."""
    return list({Path(path).resolve(): Path(path) for path in paths}.values())


def with_progress(groups: list[RunGroup], progress: bool) -> Iterable[RunGroup]:
    """Show a bar over the groups on a terminal."""
    if not (progress and sys.stderr.isatty()):
        return groups
    from tqdm import tqdm

    return tqdm(groups, desc="tracking", unit="variant")


def variant_groups(runs: Iterable[TrackedRun]) -> list[RunGroup]:
    """Sort runs into the groups of their variants, each ordered by seed.

    Raises:
        UserError: two folders hold the same run, or runs of one variant have different configurations.
    """
    variants: dict[str, dict[int, TrackedRun]] = defaultdict(dict)
    for run in runs:
        other = variants[run.group].setdefault(run.result["seed"], run)
        if other is not run:
            raise UserError(f"{run.folder} and {other.folder} are both {run.key}; give only one of them")
    for by_seed in variants.values():
        refuse_mixed(list(by_seed.values()))
    return [
        variant_group(key, [by_seed[seed] for seed in sorted(by_seed)]) for key, by_seed in sorted(variants.items())
    ]


def refuse_mixed(runs: list[TrackedRun]) -> None:
    """Refuse runs of one variant that differ in more than the seed: their mean would be that of nothing.

    Raises:
        UserError: naming both.
    """
    first, *others = [run.run["config"] | {"seed": None, "code version": run.run["code_version"]} for run in runs]
    for run, other in zip(runs[1:], others, strict=True):
        if what := name_differences(other, first):
            raise UserError(f"{run.folder}: {what} as in {runs[0].folder}; track runs of one configuration together")


def variant_group(key: str, runs: list[TrackedRun]) -> RunGroup:
    """Return the group of a variant's runs."""
    return RunGroup(
        key=key,
        runs=runs,
        digest=digest_of(f"{run.key} {run.digest}" for run in runs),
        tags=summary_tags(runs),
        params=shared_params(runs),
        metrics=summary_metrics(runs),
        start_ms=min(run.start_ms for run in runs),
        end_ms=max(run.end_ms for run in runs),
        completed=any(run.completed for run in runs),
    )


def summary_metrics(runs: list[TrackedRun]) -> dict[str, float]:
    """Summarise the seeds of one variant.

    Args:
        runs: the runs, completed and diverged.

    Returns:
        For each final metric of the completed runs the mean under the metric's own name, from two values on
        the sample standard deviation as ``<metric>_std``, and ``<metric>_n`` where a completed run has no
        finite value; the means of cost and parameter counts; ``n_seeds`` and ``n_failed``.
    """
    completed = [content.scalars(run.result) for run in runs if run.completed]
    summary: dict[str, float] = {}
    counts = {"n_seeds": len(completed), "n_failed": len(runs) - len(completed)}
    costs: dict[str, float] = {}
    for key in sorted({key for values in completed for key in values}):
        present = [values[key] for values in completed if key in values and math.isfinite(values[key])]
        if not present:
            continue
        if key.partition("/")[0] in content.SECTIONS:
            costs[key] = statistics.fmean(present)
            continue
        summary[key] = statistics.fmean(present)
        if len(present) > 1:
            summary[f"{key}_std"] = statistics.stdev(present)
        if len(present) < len(completed):
            summary[f"{key}_n"] = len(present)
    return summary | counts | costs


def shared_params(runs: list[TrackedRun]) -> dict[str, str]:
    """Return the parameters that all runs have in common."""
    first, *others = [content.params_of(run) for run in runs]
    return {
        key: value for key, value in first.items() if key != "seed" and all(other.get(key) == value for other in others)
    }


def summary_tags(runs: list[TrackedRun]) -> dict[str, str]:
    """Return the tags of a summary: what its runs share, which seeds it covers, how they ended."""
    tags = [content.common_tags(run) for run in runs]
    shared = {key: value for key, value in tags[0].items() if all(other.get(key) == value for other in tags)}
    seeds = ", ".join(str(run.result["seed"]) for run in runs)
    failed = [str(run.result["seed"]) for run in runs if not run.completed]
    note = f"Mean and sample standard deviation over the completed runs of seeds {seeds}."
    if failed:
        note += f" Diverged and left out of the mean: {', '.join(failed)}."
    note += "".join(f" {text}" for text in sorted({run.result["data"]["note"] or "" for run in runs}) if text)
    status = "completed" if not failed else "diverged" if len(failed) == len(runs) else "partly diverged"
    summary = {"uhn.kind": "summary", "uhn.run_key": runs[0].group, "uhn.seeds": seeds, "uhn.status": status}
    return content.as_tags(shared | summary | {"mlflow.note.content": note})
