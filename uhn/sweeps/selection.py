"""What a stage decides (``selected.json``) and what a candidate reports (``candidate.json``), as files.

A candidate's file is all that selection reads of a run; a stage's file is all that the next stage, the final runs,
tables and figures read of a sweep.

Deviation: a candidate counts as diverged when a validation loss or metric is not finite (the release: NaN), because
training stops at an infinite loss already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uhn.errors import UserError
from uhn.files import write_json
from uhn.metrics import not_finite
from uhn.runs.folder import SCHEMA_VERSION, read_record
from uhn.sweeps.grids import Hyperparameters, Slot, SweepConfig
from uhn.sweeps.ranking import Ranked, Scored

COMPLETED, DIVERGED, SKIPPED = "completed", "diverged", "skipped"


@dataclass(frozen=True)
class CandidateResult:
    """The outcome of one slot and seed.

    Args:
        slot, seed: which one.
        status: ``completed``, ``diverged`` or ``skipped``.
        hyperparameters: what ran; None in an empty place of stage 4.
        metrics: validation metrics of the final weights; empty unless completed.
        reason: why it diverged or was skipped.
        same_as: the slot with the same hyperparameters whose results stand for a skipped one.
    """

    slot: Slot
    seed: int
    status: str
    hyperparameters: Hyperparameters | None
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None
    same_as: Slot | None = None

    @classmethod
    def finished(
        cls, slot: Slot, seed: int, hyperparameters: Hyperparameters, metrics: Mapping[str, float]
    ) -> CandidateResult:
        """Return the outcome of a run that reached its last step: completed, or diverged if a metric is not finite."""
        if reason := not_finite(metrics):
            return cls(slot, seed, DIVERGED, hyperparameters, reason=reason)
        return cls(slot, seed, COMPLETED, hyperparameters, metrics)

    @classmethod
    def of_run(cls, slot: Slot, hyperparameters: Hyperparameters, result: Mapping[str, Any]) -> CandidateResult:
        """Return the outcome of a run from its ``result.json``."""
        if result["status"] == DIVERGED:
            return cls(slot, result["seed"], DIVERGED, hyperparameters, reason=result["reason"])
        metrics = {name: value for name, value in result["metrics"].items() if name.startswith("validation/")}
        return cls.finished(slot, result["seed"], hyperparameters, metrics)


@dataclass(frozen=True)
class Dropped:
    """A candidate that ran and is out, with the reason; ``values`` holds its metrics if all seeds have them."""

    slot: Slot
    hyperparameters: Hyperparameters
    seeds: tuple[int, ...]
    reason: str
    values: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """A slot in which nothing ran, with the reason."""

    slot: Slot
    reason: str
    same_as: Slot | None


@dataclass(frozen=True)
class Selection:
    """The outcome of a stage.

    Args:
        sweep, scale, stage: which one.
        ranking: all candidates that are left, best first; in stage 4 the best three alone.
        dropped: the candidates that are out, those of earlier stages too.
        skipped: the slots in which nothing ran, those of earlier stages too.
        winner: what the next stage, or the final runs, use.
        note: why the winner is not the first of the ranking, where that is so.
    """

    sweep: str
    scale: str
    stage: int
    ranking: tuple[Ranked, ...]
    dropped: tuple[Dropped, ...]
    skipped: tuple[Skipped, ...]
    winner: Hyperparameters
    note: str | None = None

    def slot_of(self, hyperparameters: Hyperparameters) -> Slot | None:
        """Return where a candidate ran, also one that was dropped; None if it did not."""
        ran = [*(entry.candidate for entry in self.ranking), *self.dropped]
        return next((one.slot for one in ran if one.hyperparameters == hyperparameters), None)


def write_candidate(path: Path, sweep: SweepConfig, scale: str, result: CandidateResult) -> None:
    """Write ``candidate.json``."""
    record = {
        "schema_version": SCHEMA_VERSION,
        "sweep": sweep.name,
        "scale": scale,
        "slot": result.slot.key,
        "seed": result.seed,
        "status": result.status,
        "hyperparameters": result.hyperparameters and result.hyperparameters.to_dict(),
        "metrics": dict(result.metrics),
        "reason": result.reason,
        "same_as": result.same_as and result.same_as.key,
    }
    write_json(path, record)


def read_candidate(path: Path, sweep: SweepConfig, scale: str) -> CandidateResult:
    """Read ``candidate.json``.

    Raises:
        UserError: the file is missing, damaged, or of another sweep or scale.
    """
    record = read_record(path, "candidate")
    _check_origin(path, record, sweep, scale)
    values = record["hyperparameters"]
    return CandidateResult(
        slot=Slot.parse(record["slot"]),
        seed=record["seed"],
        status=record["status"],
        hyperparameters=values and Hyperparameters(**values),
        metrics=record["metrics"],
        reason=record["reason"],
        same_as=record["same_as"] and Slot.parse(record["same_as"]),
    )


def write_selection(path: Path, selection: Selection) -> None:
    """Write ``selected.json``."""
    write_json(path, to_record(selection))


def read_selection(path: Path, sweep: SweepConfig, scale: str) -> Selection:
    """Read ``selected.json``.

    Raises:
        UserError: the file is missing, damaged, or of another sweep or scale.
    """
    record = read_record(path, "selected")
    _check_origin(path, record, sweep, scale)
    return from_record(record)


def to_record(selection: Selection) -> dict[str, Any]:
    """Return a selection as plain data; means, spreads and ranks are there for readers, :func:`from_record` ignores
    what follows from the rest."""
    return {
        "schema_version": SCHEMA_VERSION,
        "sweep": selection.sweep,
        "scale": selection.scale,
        "stage": selection.stage,
        "winner": selection.winner.to_dict(),
        "note": selection.note,
        "ranking": [
            {
                **_identity(entry.candidate),
                "metrics": {
                    name: {
                        "mean": entry.candidate.mean(name),
                        "std": entry.candidate.std(name),
                        "rank": entry.ranks[name],
                        "values": list(values),
                    }
                    for name, values in entry.candidate.values.items()
                },
                "mean_rank": entry.mean_rank,
                "std_rank": entry.std_rank,
            }
            for entry in selection.ranking
        ],
        "dropped": [
            {
                **_identity(one),
                "reason": one.reason,
                "values": {name: list(values) for name, values in one.values.items()},
            }
            for one in selection.dropped
        ],
        "skipped": [
            {"slot": one.slot.key, "reason": one.reason, "same_as": one.same_as and one.same_as.key}
            for one in selection.skipped
        ],
    }


def from_record(record: Mapping[str, Any]) -> Selection:
    """Rebuild a selection from :func:`to_record`."""
    return Selection(
        sweep=record["sweep"],
        scale=record["scale"],
        stage=record["stage"],
        ranking=tuple(
            Ranked(
                Scored(**_read_identity(entry), values=_tuples(entry["metrics"], "values")),
                {name: metric["rank"] for name, metric in entry["metrics"].items()},
            )
            for entry in record["ranking"]
        ),
        dropped=tuple(
            Dropped(**_read_identity(entry), reason=entry["reason"], values=_tuples(entry["values"]))
            for entry in record["dropped"]
        ),
        skipped=tuple(
            Skipped(Slot.parse(entry["slot"]), entry["reason"], entry["same_as"] and Slot.parse(entry["same_as"]))
            for entry in record["skipped"]
        ),
        winner=Hyperparameters(**record["winner"]),
        note=record["note"],
    )


def _identity(one: Scored | Dropped) -> dict[str, Any]:
    return {
        "slot": one.slot.key,
        "hyperparameters": one.hyperparameters.to_dict(),
        "seeds": list(one.seeds),
    }


def _read_identity(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "slot": Slot.parse(entry["slot"]),
        "hyperparameters": Hyperparameters(**entry["hyperparameters"]),
        "seeds": tuple(entry["seeds"]),
    }


def _tuples(values: Mapping[str, Any], key: str | None = None) -> dict[str, tuple[float, ...]]:
    return {name: tuple(entry[key] if key else entry) for name, entry in values.items()}


def _check_origin(path: Path, record: Mapping[str, Any], sweep: SweepConfig, scale: str) -> None:
    expected, came = (sweep.name, scale), (record["sweep"], record["scale"])
    if came != expected:
        raise UserError(
            f"{path}: belongs to sweep {came[0]} at scale {came[1]}, expected {expected[0]} at scale {expected[1]}; "
            "delete it and rerun its job"
        )
