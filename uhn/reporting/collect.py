"""Reading the runs of a table or figure, ``RUNS/<setting>/<variant>/seed<k>``, each held against what it must be."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uhn.errors import UserError
from uhn.paths import results_name
from uhn.runs.folder import RESULT
from uhn.runs.identity import difference, read_finished
from uhn.sweeps.expected import Expectation

Pair = tuple[str, str]


@dataclass(frozen=True)
class Run:
    """One finished run.

    Attributes:
        key: ``setting/variant/seed<k>``.
        path: of its result.json.
        record: content of that file.
        mixed: how it differs from the run that is expected; None if it does not.
    """

    key: str
    path: Path
    record: dict[str, Any]
    mixed: str | None = None

    @property
    def diverged(self) -> bool:
        """Tell whether the run is a failure."""
        return self.record["status"] == "diverged"

    def metric(self, name: str) -> float:
        """Return a metric of a completed run.

        Raises:
            UserError: the file has no such metric.
        """
        metrics = self.record["metrics"]
        if name not in metrics:
            known = ", ".join(sorted(metrics)) or "none"
            raise UserError(f"{self.path}: has no metric {name} (it has {known}); rerun its job")
        return metrics[name]


def collect(
    pairs: Iterable[Pair],
    runs: Path,
    scale: str,
    seeds: Mapping[Pair, Sequence[int]] | None = None,
    expected: Expectation | None = None,
    allow_mixed: bool = False,
) -> dict[Pair, list[Run]]:
    """Read the results of all runs of the (setting, variant) pairs.

    Args:
        pairs: the pairs, in table order.
        runs: the folder of the runs.
        scale: the scale that every run must have.
        seeds: the seeds to read of each pair; None reads every seed folder there is.
        expected: the configuration that every run must have; None: any, of the run that its folder says.
        allow_mixed: whether runs of other configurations are taken, and say so.

    Raises:
        UserError: a file is missing, damaged, of another layout or release, or belongs to another run.
    """
    pairs = list(pairs)
    found = {pair: sorted(set(seeds[pair])) if seeds else _seeds(runs, pair) for pair in pairs}
    _refuse_missing(found, runs, scale)
    return {pair: [_read(runs, pair, seed, scale, expected, allow_mixed) for seed in found[pair]] for pair in pairs}


def mixture_warnings(results: Mapping[Pair, Sequence[Run]], shown_in: str = "table") -> list[str]:
    """Say, in one sentence each, why runs of one table (or figure) are not strictly comparable.

    Code versions decide: one is raised whenever numbers change. Sources may differ, as they do after any edit. Devices,
    and numbers of threads, change the last digits.
    """
    runs = [run for runs_of_pair in results.values() for run in runs_of_pair]
    warnings = [f"† Of another configuration than expected: {run.key} ({run.mixed})." for run in runs if run.mixed]
    for values, noun in (
        ({run.record["code_version"] for run in runs}, "code versions"),
        ({run.record["cost"]["device"] for run in runs}, "devices"),
    ):
        if len(values) > 1:
            shown = _listed(sorted(values))
            warnings.append(
                f"The runs of this {shown_in} mix {len(values)} {noun} ({shown}) and are not strictly comparable."
            )
    for (setting, variant), runs_of_pair in results.items():
        threads = sorted({run.record["cost"]["threads"] for run in runs_of_pair})
        if len(threads) > 1:
            warnings.append(f"The runs of {setting}/{variant} had different numbers of threads: {_listed(threads)}.")
    return warnings


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(map(str, values))


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
        if not (_folder(runs, pair, seed) / RESULT).is_file()
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
            command = f"snakemake {shlex.quote(str(folder / RESULT))}"
        raise UserError(f"{folder / RESULT}: missing{more}; make it with: {command}")


def _read(runs: Path, pair: Pair, seed: int, scale: str, expectation: Expectation | None, allow_mixed: bool) -> Run:
    folder = _folder(runs, pair, seed)
    config, run, record = read_finished(folder)
    key = f"{pair[0]}/{pair[1]}/seed{seed}"
    if (config.key, config.scale) != (key, scale):
        raise UserError(
            f"{folder}: holds {config.key} at scale {config.scale}, expected {key} at scale {scale}; "
            "give another --runs, or delete it and rerun its job"
        )
    mixed = None
    if expectation is not None:
        mixed = difference(config, run["code_version"], expectation.config(*pair, seed))
    if mixed and not allow_mixed:
        raise UserError(
            f"{folder}: {mixed}; rerun its job, restore the configuration or --data, or show it marked: --allow-mixed"
        )
    return Run(key, folder / RESULT, record, mixed)
