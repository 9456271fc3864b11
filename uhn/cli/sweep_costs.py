"""What a sweep would cost, before it runs."""

from __future__ import annotations

from statistics import fmean

from uhn.benchmarks.step_times import StepTimes
from uhn.configuration.resolve import load_experiment
from uhn.configuration.run import RunConfig
from uhn.sweeps.apply import resolve_tuned
from uhn.sweeps.grids import Hyperparameters, SweepConfig
from uhn.sweeps.load import Tuning
from uhn.sweeps.selection import Selection
from uhn.sweeps.stages import candidate_at, run_counts
from uhn.training.cost import run_core_hours


def describe_sweep(sweep: SweepConfig, scale: str, step_times: StepTimes) -> tuple[dict[str, int], float]:
    """Return the largest number of runs of each stage, and the estimated hours on one CPU core.

    What a stage decides is known only later; here every stage selects the published hyperparameters.
    """
    experiment = load_experiment(sweep.setting)
    published = sweep.published_choice(experiment["variants"][sweep.variant])

    def run(chosen: Hyperparameters, mode: str = "tuning") -> RunConfig:
        seed = sweep.search_seeds[0]
        return resolve_tuned(experiment, sweep.variant, seed, scale, None, Tuning(sweep), chosen, mode)

    def hours(config: RunConfig) -> float:
        return run_core_hours(config, step_times.of_run(config))

    counts = run_counts(sweep)
    total = sweep.num_final * hours(run(published, "final"))
    for stage in sweep.stages:
        before = sweep.previous_stage(stage)
        previous = before and Selection(sweep.name, scale, before, (), (), (), published)
        candidates = [candidate_at(sweep, slot, previous).hyperparameters for slot in sweep.slots(stage)]
        mean = fmean(hours(run(chosen or published)) for chosen in candidates)
        total += mean * counts[f"stage{stage}"]
    return counts, total
