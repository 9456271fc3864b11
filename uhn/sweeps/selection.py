"""What a stage decides (``selected.json``) and what a candidate reports (``candidate.json``), as files.

A candidate's file is all that selection reads of a run; a stage's file is all that the next stage, the final runs,
tables and figures read of a sweep. Both name what they were made from: a candidate's its run and result, a stage's its
sweep, its candidates and the decision before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uhn.errors import UserError
from uhn.runs.folder import SEAL, read_record, write_record
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


@dataclass(frozen=True)
class Sources:
    """What a stage was decided from.

    Args:
        sweep: digest of the sweep, see :attr:`SweepConfig.digest`.
        candidates: sha256 over the content of the stage's candidates.
        previous: sha256 of the content of the decision before; None of the first stage.
    """

    sweep: str
    candidates: str
    previous: str | None


def write_candidate(
    path: Path, sweep: SweepConfig, scale: str, candidate: Candidate, result: Mapping[str, Any] | None = None
) -> None:
    """Write ``candidate.json``: what came of a candidate with one seed.

    Args:
        path: the file.
        sweep, scale: whose it is.
        candidate: with its one seed.
        result: content of its result.json; None where nothing was trained.
    """
    write_record(path, candidate_record(sweep, scale, candidate, result))


def candidate_record(
    sweep: SweepConfig, scale: str, candidate: Candidate, result: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the content of ``candidate.json``; see :func:`write_candidate`."""
    (seed,) = candidate.seeds
    return {
        "sweep": sweep.name,
        "scale": scale,
        "slot": candidate.slot.key,
        "seed": seed,
        "status": candidate.status,
        "hyperparameters": candidate.hyperparameters and candidate.hyperparameters.to_dict(),
        "metrics": {name: value for name, (value,) in candidate.values.items()},
        "reason": candidate.reason,
        "same_as": candidate.same_as and candidate.same_as.key,
        "config_digest": result and result["config_digest"],
        "result_sha256": result and result[SEAL],
    }


def read_candidate(path: Path, sweep: SweepConfig, scale: str) -> Candidate:
    """Read ``candidate.json``.

    Raises:
        UserError: the file is missing, damaged, or of another sweep or scale.
    """
    return parse_candidate(read_candidate_record(path, sweep, scale))


def read_candidate_record(path: Path, sweep: SweepConfig, scale: str) -> dict[str, Any]:
    """Read the content of ``candidate.json``; raises as :func:`read_candidate`."""
    return _read(path, "candidate", sweep, scale)


def parse_candidate(record: Mapping[str, Any]) -> Candidate:
    """Return the candidate that the content of a ``candidate.json`` describes."""
    return Candidate(
        slot=Slot.parse(record["slot"]),
        hyperparameters=record["hyperparameters"] and Hyperparameters(**record["hyperparameters"]),
        status=record["status"],
        seeds=(record["seed"],),
        values={name: (value,) for name, value in record["metrics"].items()},
        reason=record["reason"],
        same_as=record["same_as"] and Slot.parse(record["same_as"]),
    )


def write_selection(path: Path, selection: Selection, sources: Sources) -> None:
    """Write ``selected.json``; means, spreads and ranks are there for readers."""
    write_record(path, selection_record(selection, sources))


def selection_record(selection: Selection, sources: Sources) -> dict[str, Any]:
    """Return the content of ``selected.json``."""
    return {
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
        "sweep_digest": sources.sweep,
        "candidates_sha256": sources.candidates,
        "previous_sha256": sources.previous,
    }


def read_selection(path: Path, sweep: SweepConfig, scale: str) -> Selection:
    """Read ``selected.json``.

    Raises:
        UserError: the file is missing, damaged, or of another sweep or scale, of a sweep that was defined otherwise,
            or its winner is not what it ranks first.
    """
    record = read_selection_record(path, sweep, scale)
    first = record["ranking"][0]["hyperparameters"] if record["ranking"] else record["winner"]
    if record["winner"] != first:
        raise UserError(f"{path}: its winner is {record['winner']}, expected {first}, the first of its ranking")
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


def read_selection_record(path: Path, sweep: SweepConfig, scale: str) -> dict[str, Any]:
    """Read the content of ``selected.json``; raises as :func:`read_selection` but for the winner."""
    record = _read(path, "selected", sweep, scale)
    if record["sweep_digest"] != sweep.digest:
        raise UserError(
            f"{path}: decided by sweep {sweep.name} as {record['sweep_digest'][:12]}, config/sweeps.yaml now has it as "
            f"{sweep.digest[:12]}; decide it again: uhn sweep select --sweep {sweep.name} --stage {record['stage']} "
            f"--scale {scale}"
        )
    return record


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
