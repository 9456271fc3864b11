"""Rough cost of a run before it runs: arithmetic of generation over a machine's speed, plus a fixed step overhead."""

from __future__ import annotations

from uhn.configuration.generators import UHNConfig
from uhn.configuration.run import RunConfig
from uhn.data.catalogue import get_dataset

# One CPU core at the tall matrix shapes of generation, float32, and the time per step that does not depend on
# the generator (target model, autograd, optimiser); both measured on a 2-core x86-64 machine with AVX-512.
CORE_FLOPS = 80e9
STEP_OVERHEAD_S = 0.004


def generation_flop(hypernetwork: UHNConfig, num_scalars: int) -> float:
    """Return the floating-point operations of one forward and backward generation.

    The first layer counts twice (its constant input needs no gradient), everything after it three times.
    """
    d = hypernetwork.hidden_dim
    first = 2 * hypernetwork.index_frequencies * d
    rest = 2 * hypernetwork.blocks * d * d + d
    return 2.0 * num_scalars * (2 * first + 3 * rest)


def run_steps(config: RunConfig) -> int:
    """Return the optimiser steps of both phases."""
    return config.train.budget * steps_per_unit(config) + (config.init.steps if config.init else 0)


def steps_per_unit(config: RunConfig) -> int:
    """Return the steps of an epoch on the published data set; of a run counted in steps, 1."""
    task = config.tasks[0]
    if config.train.unit == "steps" or task.batch_size is None:
        return 1
    return -(-get_dataset(task.dataset).train_examples // task.batch_size)


def run_core_hours(config: RunConfig, num_scalars: int) -> float:
    """Estimate the hours of one run on one CPU core; the target model's own arithmetic is left out."""
    uhn = isinstance(config.hypernetwork, UHNConfig)
    generations = len(config.tasks) if config.train.gradient_surgery else 1
    flop = generations * generation_flop(config.hypernetwork, num_scalars) if uhn else 0.0
    return run_steps(config) * (flop / CORE_FLOPS + STEP_OVERHEAD_S) / 3600
