"""Runs and groups of runs as the tracking store has them, and reading a run from its folder."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from uhn.errors import UserError
from uhn.runs.folder import METRICS, RESULT, RUN
from uhn.runs.identity import read_finished
from uhn.runs.journal import read_journal
from uhn.sweeps.expected import require_place

# Part of every digest: raise it when the same files are to be recorded differently.
LAYOUT = 1

FILES = (RUN, METRICS, RESULT)

# MLflow 3.17 refuses longer names.
KEY_LIMIT = 250

# Keys of a logged step that place a point instead of being one.
COORDINATES = {"step", "phase", "elapsed_s"}


class Point(NamedTuple):
    """One value of one metric, as a store takes it."""

    key: str
    value: float
    timestamp: int
    step: int


@dataclass(frozen=True)
class TrackedRun:
    """One run of the store, made from a run's folder.

    Attributes:
        folder: of the files; ``run.json`` and ``result.json`` go into the store as they are.
        group: key of the group it belongs to.
        key: its name in the store.
        name: its name for people.
        tags, params: what its group adds to those of every run.
        run, result: content of the two files.
        points: its curves.
        skipped: number of values that are left out of the curves because they are not finite.
        digest: identifies the content.
    """

    folder: Path
    group: str
    key: str
    name: str
    tags: dict[str, Any]
    params: dict[str, Any]
    run: dict[str, Any]
    result: dict[str, Any]
    points: list[Point]
    skipped: int
    digest: str

    @property
    def completed(self) -> bool:
        """Tell whether the run ended well (else it diverged, which is a result too)."""
        return self.result["status"] == "completed"

    @property
    def start_ms(self) -> int:
        """Return the start of the run in milliseconds since 1970."""
        return start_of(self.run, self.folder)

    @property
    def end_ms(self) -> int:
        """Return the end: the start plus the recorded duration, and no earlier than the last logged step."""
        measured = self.start_ms + round(1000 * self.result["cost"]["wall_s"])
        return max([measured, *(point.timestamp for point in self.points)])


@dataclass(frozen=True)
class RunGroup:
    """Runs of the store beneath a summary: the seeds of a variant, or the candidates of a stage of a sweep.

    Attributes:
        key: name of the summary in the store, and of the group.
        runs: the runs, in order.
        digest: identifies the content.
        tags, params, metrics: of the summary.
        start_ms, end_ms: of the summary, in milliseconds since 1970.
        completed: whether the summary counts as finished (else as failed).
        artifacts: files that the summary takes into the store.
        is_whole: whether no other run belongs to the group; what the store has of others is deleted then.
    """

    key: str
    runs: list[TrackedRun]
    digest: str
    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]
    start_ms: int
    end_ms: int
    completed: bool
    artifacts: tuple[Path, ...] = ()
    is_whole: bool = False

    @property
    def name(self) -> str:
        """Name the summary for people: the key without the scale, which is the experiment's."""
        return self.key.partition("/")[2]


def read_run(path: Path) -> TrackedRun:
    """Read and check the files of a finished run.

    Args:
        path: the run directory with ``run.json``, ``metrics.jsonl`` and ``result.json``.

    Returns:
        The run as a seed of its variant: beneath ``<scale>/<setting>/<variant>``, named after its setting. Values of
        its curves that were not finite are left out and counted in ``skipped``.

    Raises:
        UserError: a file is missing, damaged or of another layout, the files are not of the same run, or it is not the
            run that its place among results expects.
    """
    if not path.is_dir():
        raise UserError(
            f"{path}: no such run directory; give folders like results/<scale>/runs/<setting>/<variant>/seed0"
        )
    if missing := [name for name in FILES if not (path / name).is_file()]:
        raise UserError(f"{path}: {', '.join(missing)} missing; only finished runs can be tracked, so rerun its job")
    require_place(path)
    _, run, result = read_finished(path)
    check_names(path, run)
    points, skipped = read_curves(path / METRICS, start_of(run, path))
    group = "/".join(result[key] for key in ("scale", "setting", "variant"))
    key = f"{group}/seed{result['seed']}"
    return TrackedRun(
        folder=path,
        group=group,
        key=key,
        name=key.partition("/")[2],
        tags={"uhn.kind": "seed"},
        params={},
        run=run,
        result=result,
        points=points,
        skipped=skipped,
        digest=digest_of_files(path),
    )


def check_names(path: Path, run: dict[str, Any]) -> None:
    """Refuse names that a store's queries cannot hold."""
    for key in ("scale", "setting", "variant"):
        if not re.fullmatch(r"[\w.+-]+", run[key]):
            raise UserError(f"{path}: {key} {run[key]!r} is not a plain name; use letters, digits and any of . _ + -")


def start_of(run: dict[str, Any], path: Path) -> int:
    """Read ``started_at`` as milliseconds since 1970; a time without a zone is UTC."""
    try:
        started = datetime.fromisoformat(run["started_at"])
    except ValueError:
        raise UserError(
            f"{path}: run.json has started_at {run['started_at']!r}; "
            "expected a time like 2025-01-31T12:00:00+00:00, so delete the run and rerun its job"
        ) from None
    return round(1000 * (started if started.tzinfo else started.replace(tzinfo=UTC)).timestamp())


def digest_of_files(path: Path) -> str:
    """Hash the three files of a run."""
    return digest_of(sha256_of(path / name) for name in FILES)


def sha256_of(path: Path) -> str:
    """Hash one file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest_of(digests: Iterable[str]) -> str:
    """Hash hashes, together with the layout of what is written into the store."""
    return hashlib.sha256("\n".join([f"layout {LAYOUT}", *digests]).encode()).hexdigest()


def read_curves(path: Path, start_ms: int) -> tuple[list[Point], int]:
    """Read the logged steps as points ``<phase>/<quantity>``.

    Args:
        path: ``metrics.jsonl``.
        start_ms: start of the run, to which the recorded seconds are added.

    Returns:
        The points and the number of values that were left out because they are not finite.

    Raises:
        UserError: the file cannot be read, or a line is damaged.
    """
    points, skipped = [], 0
    for entry in read_journal(path):
        elapsed = entry.get("elapsed_s")
        offset = round(1000 * elapsed) if is_finite(elapsed) else entry["step"]
        for key, value in entry.items():
            if key in COORDINATES or not (value is None or is_number(value)):
                continue
            if is_finite(value):
                points.append(Point(plain_key(f"{entry['phase']}/{key}"), value, start_ms + offset, entry["step"]))
            else:
                skipped += 1
    return points, skipped


def is_number(value: Any) -> bool:
    """Tell numbers from everything else (JSON's true is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Tell numbers that a store can draw."""
    return is_number(value) and math.isfinite(value)


def plain_key(key: str) -> str:
    """Replace the characters that MLflow does not take in names."""
    return re.sub(r"[^\w./: -]", "_", key)[:KEY_LIMIT]
