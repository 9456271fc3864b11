"""How large the generator and the target models of a run are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from uhn.configuration.run import RunConfig
from uhn.errors import UserError
from uhn.files import read_json, write_json
from uhn.hypernetworks.counting import ParameterCounts, count_parameters
from uhn.hypernetworks.generator import Generator
from uhn.runs.provenance import source_digest
from uhn.training.build import build_generator
from uhn.training.targets import TargetSet


@dataclass(frozen=True)
class TargetCounts:
    """Sizes of the target models of a run.

    Args:
        members: number of models.
        mean_params, max_params: average and largest number of scalars.
    """

    members: int
    mean_params: float
    max_params: int


def count_targets(targets: list[TargetSet], cache: Path | None = None) -> TargetCounts:
    """Count the models of all tasks of a run.

    Building a thousand models to count them takes seconds, so the counts of families are cached on disk.

    Args:
        targets: the models of each task.
        cache: folder of the cached counts, which hold for one state of the sources; None caches nothing.
    """
    if cache is None or not any(target_set.is_family for target_set in targets):
        return _count(targets)
    key = {"sources": source_digest(), "targets": [target_set.identity() for target_set in targets]}
    path = cache / "families" / f"{hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:32]}.json"
    try:
        cached = read_json(path)
        if cached["key"] == key:
            return TargetCounts(**cached["counts"])
    except (UserError, TypeError, KeyError):
        pass
    counts = _count(targets)
    write_json(path, {"key": key, "counts": asdict(counts)})
    return counts


def _count(targets: list[TargetSet]) -> TargetCounts:
    sizes = [target_set.build(name).num_params for target_set in targets for name in target_set.names()]
    return TargetCounts(len(sizes), fmean(sizes), max(sizes))


def count_run(config: RunConfig, cache: Path | None = None) -> ParameterCounts:
    """Count the generator and the target model of a run on the published data; of several models, the mean.

    Args:
        config: the run.
        cache: see :func:`count_targets`.
    """
    targets = paper_targets(config)
    return count_parameters(build_generator(config, targets), round(count_targets(targets, cache).mean_params))


def paper_targets(config: RunConfig) -> list[TargetSet]:
    """Return the target models of a run for the published data sets."""
    return [TargetSet(task, config.mode, {}) for task in config.tasks]


def describe_counts(
    generator: Generator, targets: list[TargetSet], paper_config: RunConfig, cache: Path
) -> dict[str, Any]:
    """Return the sections of training.json about sizes: ``parameters``, and ``family`` where targets are one.

    Args:
        generator: of the run.
        targets: target models of the run.
        paper_config: the same run at the paper's scale.
        cache: see :func:`count_targets`.
    """
    sizes = count_targets(targets, cache)
    run, paper = count_parameters(generator, round(sizes.mean_params)), count_run(paper_config, cache)
    counts = {"parameters": {"run": asdict(run), "paper": asdict(paper)}}
    if targets[0].is_family:
        paper_sizes = count_targets(paper_targets(paper_config), cache)
        counts["family"] = {"run": asdict(sizes), "paper": asdict(paper_sizes)}
    return counts
