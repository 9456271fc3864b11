"""What a stage decides (``selected.json``) and what a candidate reports (``candidate.json``), as files.

A candidate's file is all that selection reads of a run; a stage's file is all that the next stage, the final runs,
tables and figures read of a sweep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uhn.errors import UserError
from uhn.runs.folder import read_record, write_record
from uhn.sweeps.candidate import COMPLETED, DROPPED, SKIPPED, Candidate
from uhn.sweeps.grids import Hyperparameters, Slot, SweepConfig
from uhn.sweeps.ranking import Ranked


@dataclass(frozen=True)
class Selection:
    """What a stage decides.

    Args:
        sweep, scale, stage: which one.
        ranking: all candidates that are left, best first; in stage 4 the best three alone.
        dropped: the candidates that are out, those of earlier stages too.
        skipped: the candidates with nothing to train, those of earlier stages too.
        winner: what the next stage, or the final runs, use.
        note: why the winner is not the first of the ranking, where that is so.
    """

    sweep: str
    scale: str
    stage: int
    ranking: tuple[Ranked, ...]
    dropped: tuple[Candidate, ...]
    skipped: tuple[Candidate, ...]
    winner: Hyperparameters
    note: str | None = None

    def slot_of(self, hyperparameters: Hyperparameters) -> Slot | None:
        """Return where a candidate ran, also one that was dropped; None if it did not."""
        ran = [*(entry.candidate for entry in self.ranking), *self.dropped]
        return next((one.slot for one in ran if one.hyperparameters == hyperparameters), None)


def write_candidate(path: Path, sweep: SweepConfig, scale: str, candidate: Candidate) -> None:
    """Write ``candidate.json``: what came of a candidate with one seed."""
    (seed,) = candidate.seeds
    record = {
        "sweep": sweep.name,
        "scale": scale,
        "slot": candidate.slot.key,
        "seed": seed,
        "status": candidate.status,
        "hyperparameters": candidate.hyperparameters and candidate.hyperparameters.to_dict(),
        "metrics": {name: value for name, (value,) in candidate.values.items()},
        "reason": candidate.reason,
        "same_as": candidate.same_as and candidate.same_as.key,
    }
    write_record(path, record)


def read_candidate(path: Path, sweep: SweepConfig, scale: str) -> Candidate:
    """Read ``candidate.json``.

    Raises:
        UserError: the file is missing, damaged, or of another sweep or scale.
    """
    record = _read(path, "candidate", sweep, scale)
    return Candidate(
        slot=Slot.parse(record["slot"]),
        hyperparameters=record["hyperparameters"] and Hyperparameters(**record["hyperparameters"]),
        status=record["status"],
        seeds=(record["seed"],),
        values={name: (value,) for name, value in record["metrics"].items()},
        reason=record["reason"],
        same_as=record["same_as"] and Slot.parse(record["same_as"]),
    )


def write_selection(path: Path, selection: Selection) -> None:
    """Write ``selected.json``; means, spreads and ranks are there for readers."""
    record = {
        "sweep": selection.sweep,
        "scale": selection.scale,
        "stage": selection.stage,
        "winner": selection.winner.to_dict(),
        "note": selection.note,
        "ranking": [_ranked_record(entry) for entry in selection.ranking],
        "dropped": [
            {**_identity(one), "reason": one.reason, "values": {name: list(v) for name, v in one.values.items()}}
            for one in selection.dropped
        ],
        "skipped": [
            {"slot": one.slot.key, "reason": one.reason, "same_as": one.same_as and one.same_as.key}
            for one in selection.skipped
        ],
    }
    write_record(path, record)


def read_selection(path: Path, sweep: SweepConfig, scale: str) -> Selection:
    """Read ``selected.json``.

    Raises:
        UserError: the file is missing, damaged, or of another sweep or scale.
    """
    record = _read(path, "selected", sweep, scale)
    return Selection(
        sweep=record["sweep"],
        scale=record["scale"],
        stage=record["stage"],
        ranking=tuple(map(_read_ranked, record["ranking"])),
        dropped=tuple(
            _read_tried(one, DROPPED, {name: tuple(v) for name, v in one["values"].items()}, one["reason"])
            for one in record["dropped"]
        ),
        skipped=tuple(
            Candidate(
                Slot.parse(one["slot"]),
                None,
                SKIPPED,
                reason=one["reason"],
                same_as=one["same_as"] and Slot.parse(one["same_as"]),
            )
            for one in record["skipped"]
        ),
        winner=Hyperparameters(**record["winner"]),
        note=record["note"],
    )


def _identity(candidate: Candidate) -> dict[str, Any]:
    return {
        "slot": candidate.slot.key,
        "hyperparameters": candidate.hyperparameters.to_dict(),
        "seeds": list(candidate.seeds),
    }


def _ranked_record(entry: Ranked) -> dict[str, Any]:
    candidate = entry.candidate
    metrics = {
        name: {
            "mean": candidate.mean(name),
            "std": candidate.std(name),
            "rank": entry.ranks[name],
            "values": list(values),
        }
        for name, values in candidate.values.items()
    }
    return {
        **_identity(candidate),
        "metrics": metrics,
        "mean_rank": entry.mean_rank,
        "std_rank": entry.std_rank,
    }


def _read_ranked(record: Mapping[str, Any]) -> Ranked:
    """Rebuild an entry of a ranking from what cannot be computed."""
    values = {name: tuple(metric["values"]) for name, metric in record["metrics"].items()}
    ranks = {name: metric["rank"] for name, metric in record["metrics"].items()}
    return Ranked(_read_tried(record, COMPLETED, values), ranks)


def _read_tried(
    record: Mapping[str, Any], status: str, values: dict[str, tuple[float, ...]], reason: str | None = None
) -> Candidate:
    slot, hyperparameters = Slot.parse(record["slot"]), Hyperparameters(**record["hyperparameters"])
    return Candidate(slot, hyperparameters, status, tuple(record["seeds"]), values, reason)


def _read(path: Path, schema: str, sweep: SweepConfig, scale: str) -> dict[str, Any]:
    record = read_record(path, schema)
    found = record["sweep"], record["scale"]
    if found != (sweep.name, scale):
        raise UserError(
            f"{path}: belongs to sweep {found[0]} at scale {found[1]}, expected {sweep.name} at scale {scale}; "
            "delete it and rerun its job"
        )
    return record
