"""Which configuration the runs of a results folder must have, resolved as training resolves it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import RunConfig
from uhn.errors import UserError
from uhn.paths import config_dir, selection_file
from uhn.runs.identity import difference, read_identity
from uhn.sweeps.apply import resolve_tuned
from uhn.sweeps.files import read_final
from uhn.sweeps.grids import Hyperparameters, SweepConfig
from uhn.sweeps.load import Tuning, load_tunings


@dataclass(frozen=True)
class Expectation:
    """What decides on the configurations of a results folder.

    Args:
        scale: of its runs.
        source: kind of the data source; the scale's own when absent.
        sweeps: folder of the sweeps whose decisions the runs take over; None with published hyperparameters.
    """

    scale: str
    source: str | None = None
    sweeps: Path | None = None

    def config(self, setting: str, variant: str, seed: int) -> RunConfig:
        """Resolve a run.

        Raises:
            UserError: there is no such run, or the sweep that decides on it is not decided.
        """
        run = load_experiment(setting), variant, seed, self.scale, self.source
        tuning = load_tunings(self.scale).get((setting, variant)) if self.sweeps else None
        if tuning is None:
            return resolve(*run)
        path = selection_file(self.sweeps, tuning.sweep.name, tuning.sweep.stages[-1])
        return resolve_tuned(*run, tuning, read_final(path, tuning.sweep, self.scale).winner)

    def candidate(self, sweep: SweepConfig, chosen: Hyperparameters, seed: int) -> RunConfig:
        """Resolve a candidate of a sweep."""
        experiment = load_experiment(sweep.setting)
        return resolve_tuned(experiment, sweep.variant, seed, self.scale, self.source, Tuning(sweep), chosen, "tuning")


def source_kind(config: RunConfig) -> str:
    """Return the kind of a data source that a run can be repeated with."""
    return "standin" if config.source == "standin" else "download"


def require_place(folder: Path) -> None:
    """Refuse a run that its place among results does not expect.

    The place is ``<scale>/runs/<setting>/<variant>/seed<k>``, or ``<scale>-swept/...``. A run in any other folder, or
    of a setting that is not among the experiments, is whatever its run.json says.

    Raises:
        UserError: one line that names both.
    """
    parts = folder.resolve().parts
    if len(parts) < 5 or parts[-4] != "runs" or not parts[-1].removeprefix("seed").isdecimal():
        return
    results, (setting, variant, seed) = Path(*parts[:-4]), parts[-3:]
    scale = results.name.removesuffix("-swept")
    known = [(config_dir() / place).is_file() for place in (f"scales/{scale}.yaml", f"experiments/{setting}.yaml")]
    if not all(known):
        return
    config, run = read_identity(folder)
    sweeps = results.with_name(scale) / "sweeps" if results.name != scale else None
    expected = Expectation(scale, source_kind(config), sweeps).config(setting, variant, int(seed.removeprefix("seed")))
    if what := difference(config, run["code_version"], expected):
        raise UserError(f"{folder}: {what}; rerun its job, restore the configuration, or move the run out of results")
