"""The seeds of reported runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from uhn.configuration.resolve import all_seeds_of, load_defaults, seeds_of
from uhn.errors import UserError
from uhn.sweeps.load import load_tunings


def reported_seeds(
    experiment: dict[str, Any], scale: str, report_seeds: str = "published", path: Path | None = None
) -> list[int]:
    """Return the seeds of the runs of an experiment that tables report.

    Args:
        experiment: content of an experiment file.
        scale: name of a scale, which may take fewer.
        report_seeds: ``published``: the paper's, which are also those that select (with the validation part held
            out); ``fresh``: as many others that neither the paper reports nor any search of the setting used.
        path: the file of sweeps; ``config/sweeps.yaml`` if None.

    Raises:
        UserError: another value of ``report_seeds``, or the list is too short.
    """
    published = seeds_of(experiment, scale)
    if report_seeds == "published":
        return published
    if report_seeds != "fresh":
        raise UserError(f"report_seeds: expected published or fresh, got '{report_seeds}'")
    used = set(all_seeds_of(experiment))
    for (setting, _), tuning in load_tunings(scale, path).items():
        if setting == experiment["setting"]:
            used |= {*tuning.sweep.search_seeds, *tuning.sweep.extra_seeds}
    fresh = [seed for seed in load_defaults()["seeds"] if seed not in used][: len(published)]
    if len(fresh) < len(published):
        raise UserError(
            f"setting '{experiment['setting']}': {len(published)} fresh seeds wanted, the list of config/defaults.yaml "
            f"has {len(fresh)} unused ones; add seeds to it"
        )
    return fresh
