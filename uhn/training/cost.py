"""What a run costs before it runs: its steps times the seconds of a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from uhn.configuration.run import RunConfig, TaskConfig
from uhn.data.catalogue import get_dataset
from uhn.data.standin import IMAGES, TEXTS

STANDIN_EXAMPLES = {"image_classification": IMAGES["train"], "text_classification": TEXTS["train"]}


@dataclass(frozen=True)
class StepSeconds:
    """Seconds that one core needs for an optimiser step.

    Args:
        train: of the training phase.
        init: of the initialisation phase, the mean over the levels of a recursive chain; 0 without one.
    """

    train: float
    init: float = 0.0


def init_steps(config: RunConfig) -> int:
    """Return the optimiser steps of the initialisation phase."""
    return config.init.steps if config.init else 0


def train_steps(config: RunConfig) -> int:
    """Return the optimiser steps of the training phase."""
    return config.train.budget * steps_per_unit(config)


def run_steps(config: RunConfig) -> int:
    """Return the optimiser steps of both phases."""
    return train_steps(config) + init_steps(config)


def steps_per_unit(config: RunConfig) -> int:
    """Return the steps of an epoch on the published or stand-in data set; of a run counted in steps, 1."""
    task = config.tasks[0]
    if config.train.unit == "steps" or task.batch_size is None:
        return 1
    return -(-_train_examples(config, task) // task.batch_size)


def _train_examples(config: RunConfig, task: TaskConfig) -> int:
    return STANDIN_EXAMPLES[task.kind] if config.source == "standin" else get_dataset(task.dataset).train_examples


def run_core_hours(config: RunConfig, step: StepSeconds) -> float:
    """Return the hours of one run on one CPU core, without loading data and evaluation."""
    return (init_steps(config) * step.init + train_steps(config) * step.train) / 3600


def combine_tasks(config: RunConfig, steps: Sequence[StepSeconds]) -> StepSeconds:
    """Return the mean step of a run from the steps of each of its tasks.

    A task is drawn for each step with its probability; under gradient surgery, a training step works on all.
    """
    probabilities = [task.probability for task in config.tasks]
    shares = [probability / sum(probabilities) for probability in probabilities]
    factors = [1.0] * len(shares) if config.train.gradient_surgery else shares
    return StepSeconds(
        train=sum(factor * step.train for factor, step in zip(factors, steps, strict=True)),
        init=sum(share * step.init for share, step in zip(shares, steps, strict=True)),
    )


def mean_member(members: Sequence[tuple[int, StepSeconds]], mean_params: float) -> StepSeconds:
    """Return the mean step of a family from some of its members: time goes with scalars, so their ratio is what counts.

    Args:
        members: scalars and step of each.
        mean_params: mean scalars of the whole family.
    """
    factor = mean_params / fmean(params for params, _ in members)
    return StepSeconds(
        train=factor * fmean(step.train for _, step in members), init=factor * fmean(step.init for _, step in members)
    )
