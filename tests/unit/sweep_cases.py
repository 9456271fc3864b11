"""A small sweep whose candidates can be ranked by hand, and results made from a table of values."""

from dataclasses import replace

from uhn.sweeps.candidate import COMPLETED, SKIPPED, Candidate
from uhn.sweeps.grids import Hyperparameters, Metric, Slot, SweepConfig
from uhn.sweeps.stages import candidate_at, select

ACCURACY = Metric("validation/accuracy")
SMALL = SweepConfig(
    name="small",
    setting="small",
    variant="uhn",
    search="four_stage",
    budget_unit="epochs",
    pioneer_budget=10,
    train_lr=(0.1, 0.2),
    train_budget=(10, 20),
    init_lr=(0.3, 0.4),
    init_steps=(5, 6),
    metrics=(ACCURACY,),
    search_seeds=(1,),
    extra_seeds=(2, 3),
    num_final=3,
)
GRID = replace(SMALL, name="grid", search="grid", pioneer_budget=None, init_lr=(), init_steps=())


def scored(train_lr=0.1, train_budget=10, init_lr=0.0, init_steps=0, slot=(1, 0, 0), **values):
    """Return a completed candidate; keywords are metrics (``rmse`` -> ``validation/rmse``) with a value per seed."""
    metrics = {"validation/" + name.replace("__", "/"): tuple(v) for name, v in values.items()}
    seeds = tuple(range(len(next(iter(metrics.values())))))
    hyperparameters = Hyperparameters(train_lr, train_budget, init_lr, init_steps)
    return Candidate(Slot(*slot), hyperparameters, COMPLETED, seeds, metrics)


def run_stage(sweep, stage, values, previous=None, fail=()):
    """Decide a stage.

    Args:
        values: slot name -> metric value (the sweep's one metric, of all seeds), or {metric: value}, or a list of
            these, one per seed.
        fail: (slot name, seed) pairs that diverged.
    """
    results = []
    for slot in sweep.slots(stage):
        candidate = candidate_at(sweep, slot, previous)
        for place, seed in enumerate(sweep.seeds(stage)):
            if candidate.status == SKIPPED:
                results.append(replace(candidate, seeds=(seed,)))
            elif (slot.name, seed) in fail:
                results.append(candidate.diverged(seed, "loss not finite at train step 7"))
            else:
                value = values[slot.name]
                value = value[place] if isinstance(value, list) else value
                metrics = value if isinstance(value, dict) else {sweep.metrics[0].name: value}
                results.append(candidate.completed(seed, metrics))
    return select(sweep, "paper", stage, results, previous)


def names(selection):
    """Return the slots of a ranking, best first."""
    return [entry.candidate.slot.key for entry in selection.ranking]


def four_stages(sweep, *stages, fail=()):
    """Decide several stages in turn; return all selections."""
    selections = []
    for stage, values in zip(sweep.stages, stages, strict=False):
        selections.append(run_stage(sweep, stage, values, selections[-1] if selections else None, fail))
    return selections
