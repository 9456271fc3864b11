"""The evaluations that are compared. All compute the same function of the same parameters."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from uhn.hypernetworks.uhn import UHN
from uhn.models.base import TargetModel

Generate = Callable[[], Tensor]


def released(generator: UHN, target: TargetModel, every: int = 1) -> Generate:
    """Compute as the authors' release does: the N x 2F features anew in every step, kept for the backward.

    The normalised index table is computed once, which favours the release by a little.

    Args:
        generator: whose parameters to use; without a structure encoder.
        target: what to generate.
        every: take only every so many rows, where the features of all do not fit the memory.
    """
    weight = generator.trunk.readout.weight
    table = torch.as_tensor(target.index_table()[::every], device=weight.device)
    rows = generator.index_normalizer(table).to(weight.dtype)
    return lambda: generator.trunk(generator.index_encoding(rows), None)


def plain_trunk(generator: UHN, target: TargetModel) -> Generate:
    """Evaluate the first layer by the generator's plan, everything behind it by plain modules."""
    plan, trunk = generator.plan_of(target), generator.trunk
    return lambda: plan.permutation(trunk.after_first(plan(trunk.first.weight, trunk.first.bias), None))


# Name -> what `GenerationConfig.first_layer` is, in the order in which they are reported.
VARIANTS = {
    "released": "reference",
    "dense": "dense",
    "separable": "separable",
    "structured_eager": "auto",
    "auto": "auto",
}
DESCRIPTIONS = {
    "released": "the release's arithmetic: float32 phases and an N x 2F feature matrix in every step, plain modules",
    "dense": "feature matrix computed once and kept, plain modules behind the first layer",
    "separable": "features of the inner axes kept, outer axes as rotations, plain modules behind the first layer",
    "structured_eager": "first layer as auto chooses (structured where it pays), plain modules behind it",
    "auto": "what a training job runs: first layer as auto chooses, fused trunk, groups within the memory budget, "
    "and the job's own malloc settings (uhn.allocator)",
}


def make_generate(variant: str, generator: UHN, target: TargetModel, every: int = 1) -> Generate:
    """Return the function that generates all scalars of a target once.

    Args:
        variant: name of an evaluation.
        generator: built with the first layer that `VARIANTS` names.
        target: what to generate.
        every: see `released`; 1 for all others.

    Raises:
        ValueError: rows are left out in a variant other than ``released``.
    """
    if variant == "released":
        return released(generator, target, every)
    if every != 1:
        raise ValueError(f"variant {variant}: expected every 1, got {every}; only 'released' can leave out rows")
    return plain_trunk(generator, target) if variant != "auto" else lambda: generator.generate_scalars(target)
