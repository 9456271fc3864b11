"""Reading the result files that a table or figure needs: ``RUNS/<setting>/<variant>/seed<k>/result.json``."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uhn.errors import UserError
from uhn.paths import results_name
from uhn.runs.folder import read_record

Pair = tuple[str, str]


@dataclass(frozen=True)
class Run:
    """One result file; ``key`` is ``setting/variant/seed<k>``."""

    key: str
    path: Path
    record: dict[str, Any]

    @property
    def diverged(self) -> bool:
        """Tell whether the run is a failure."""
        return self.record["status"] == "diverged"

    def metric(self, name: str) -> float:
        """Return a metric of a completed run.

        Raises:
            UserError: the file has no such metric, or not a finite one.
        """
        metrics = self.record["metrics"]
        if name not in metrics:
            known = ", ".join(sorted(metrics)) or "none"
            raise UserError(f"{self.path}: has no metric {name} (it has {known}); rerun its job")
        if not math.isfinite(metrics[name]):
            raise UserError(f"{self.path}: {name} is {metrics[name]} in a completed run; rerun its job")
        return metrics[name]


def collect(
    pairs: Iterable[Pair], runs: Path, scale: str, seeds: Mapping[Pair, Sequence[int]] | None = None
) -> dict[Pair, list[Run]]:
    """Read the results of all runs of the (setting, variant) pairs.

    Args:
        pairs: the pairs, in table order.
        runs: the folder of the runs.
        scale: the scale that every run must have.
        seeds: the seeds to read of each pair; None reads every seed folder there is.

    Raises:
        UserError: a result file is missing, damaged, of another layout or release, of another scale, or
            belongs to another run than its folder says.
    """
    pairs = list(pairs)
    found = {pair: sorted(set(seeds[pair])) if seeds else _seeds(runs, pair) for pair in pairs}
    _refuse_missing(found, runs, scale)
    return {pair: [_read(runs, pair, seed, scale) for seed in found[pair]] for pair in pairs}


def version_warnings(runs: Iterable[Run], shown_in: str = "table") -> list[str]:
    """Say, in one sentence each, why runs of one table (or figure) are not strictly comparable.

    Code versions decide: one is raised whenever numbers change. Sources may differ, as they do after any edit.
    """
    versions = sorted({run.record["code_version"] for run in runs})
    if len(versions) <= 1:
        return []
    shown = ", ".join(map(str, versions))
    return [f"The runs of this {shown_in} mix {len(versions)} code versions ({shown}) and are not strictly comparable."]


def _folder(runs: Path, pair: Pair, seed: int | str) -> Path:
    setting, variant = pair
    return runs / setting / variant / f"seed{seed}"


def _seeds(runs: Path, pair: Pair) -> list[int]:
    folders = _folder(runs, pair, "").parent.glob("seed*")
    matches = (re.fullmatch(r"seed(\d+)", folder.name) for folder in folders)
    return sorted(int(match[1]) for match in matches if match)


def _refuse_missing(found: dict[Pair, list[int]], runs: Path, scale: str) -> None:
    some_seed = min((seed for seeds in found.values() for seed in seeds), default="K")
    missing = [
        (pair, seed)
        for pair, seeds in found.items()
        for seed in seeds or [some_seed]
        if not (_folder(runs, pair, seed) / "result.json").is_file()
    ]
    if missing:
        (pair, seed), others = missing[0], len(missing) - 1
        folder = _folder(runs, pair, seed)
        more = f" (and {others} more)" if others else ""
        place = shlex.quote(str(folder))
        command = (
            f"uhn train --setting {pair[0]} --variant {pair[1]} --seed {seed} --scale {scale} --out {place} "
            f"&& uhn evaluate {place}"
        )
        if runs.parent.name == results_name(scale, "swept"):  # with the hyperparameters that a sweep selects
            command = f"snakemake {shlex.quote(str(folder / 'result.json'))}"
        raise UserError(f"{folder / 'result.json'}: missing{more}; make it with: {command}")


def _read(runs: Path, pair: Pair, seed: int, scale: str) -> Run:
    path = _folder(runs, pair, seed) / "result.json"
    record = read_record(path, "result")
    key = f"{pair[0]}/{pair[1]}/seed{seed}"
    found = f"{record['setting']}/{record['variant']}/seed{record['seed']}"
    if found != key:
        raise UserError(f"{path}: holds the result of {found}, expected {key}; delete it and rerun its job")
    if record["scale"] != scale:
        raise UserError(
            f"{path}: is a run of scale {record['scale']}, expected {scale}; tables and figures have one scale, "
            "so give another --runs or rerun the job"
        )
    return Run(key, path, record)
