"""Configuration -> the generator of a run, freshly drawn from the run seed."""

from __future__ import annotations

from torch import nn

from uhn.experiments.config import RunConfig
from uhn.hypernetworks.counting import ParameterCounts, count_parameters
from uhn.hypernetworks.direct import Direct
from uhn.hypernetworks.uhn import UHN
from uhn.models.base import TargetModel
from uhn.models.registry import build_model
from uhn.seeding import seeded


def build_generator(config: RunConfig, target: TargetModel) -> nn.Module:
    """Build the generator with weights and Fourier matrices drawn from the run seed's ``init`` stream."""
    with seeded(config.seed, "init"):
        if config.method == "uhn":
            return UHN(config.hypernetwork, target.ranges(), config.generation)
        for _, layer in target.layers:
            layer.reset_parameters()
        return Direct(target)


def count_run(config: RunConfig) -> ParameterCounts:
    """Count the parameters of a run."""
    target = build_model(config.model)
    return count_parameters(build_generator(config, target), target.num_params)
