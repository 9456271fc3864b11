"""Parameter counts of generators, as the optimiser sees them and as the paper prints them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class ParameterCounts:
    """Counts of one generator and its target.

    Args:
        target: scalars of the target model.
        trainable: scalars the optimiser updates.
        printed: trainable plus frozen tensors (Fourier matrices, normalisation statistics, positional
            frequencies), which the paper includes in its #Params columns.
    """

    target: int
    trainable: int
    printed: int


def count_parameters(generator: nn.Module, target_params: int) -> ParameterCounts:
    """Count a generator's parameters and buffers."""
    trainable = sum(p.numel() for p in generator.parameters())
    frozen = sum(b.numel() for b in generator.buffers())
    return ParameterCounts(target_params, trainable, trainable + frozen)
