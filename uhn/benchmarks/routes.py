"""Routes: the ways to evaluate the first layer that are compared. All compute the same function.

`ROUTES` is the one table of them, for both devices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from uhn.configuration.generators import GenerationConfig
from uhn.hypernetworks.uhn import UHN
from uhn.models.base import TargetModel

Generate = Callable[[], Tensor]
CPU, GPU = "cpu", "cuda"


@dataclass(frozen=True)
class Route:
    """One evaluation.

    Args:
        description: for readers of the tables.
        generation: how the generator is configured.
        devices: where the route is compared with the others.
        plain: whether plain modules stand behind the first layer, in one piece, instead of what a training job runs.
        live_matrices: resident memory on a CPU, in feature matrices. For ``released``, phases, cosines and sines are
            half a matrix each while they are joined to a whole one, and the tuned allocator keeps what the step before
            has freed; a stored matrix is joined from parts.
        feature_passes: passes over the N x 2F feature matrix that cannot be avoided once it exists: written
            (``released`` only), read by the product and read by its gradient.
    """

    description: str
    generation: GenerationConfig
    devices: tuple[str, ...] = (CPU,)
    plain: bool = False
    live_matrices: float = 0.0
    feature_passes: int = 0


# In the order in which they are reported
ROUTES = {
    "released": Route(
        "the release's arithmetic: phases and an N x 2F feature matrix in every step, in the precision of the step, "
        "plain modules",
        GenerationConfig(first_layer="reference"),
        (CPU, GPU),
        live_matrices=4.0,
        feature_passes=3,
    ),
    "dense": Route(
        "feature matrix computed once and kept, plain modules behind the first layer",
        GenerationConfig(first_layer="dense"),
        plain=True,
        live_matrices=2.0,
        feature_passes=2,
    ),
    "separable": Route(
        "features of the inner axes kept, outer axes as rotations, plain modules behind the first layer",
        GenerationConfig(first_layer="separable"),
        plain=True,
    ),
    "structured_eager": Route(
        "first layer as auto chooses (structured where it pays), plain modules behind it",
        GenerationConfig(),
        plain=True,
    ),
    "auto": Route(
        "what a training job runs: on a CPU the first layer as the plan chooses, the fused trunk, groups within the "
        "memory budget and the job's own malloc settings (uhn.allocator); on a GPU bfloat16 features kept while they "
        "fit `cache_mb`, rotated weights else",
        GenerationConfig(),
        (CPU, GPU),
    ),
    "kept": Route("as auto, all features kept whatever their size", GenerationConfig(cache_mb=1 << 20), (GPU,)),
    "rotated": Route("as auto, rotated weights wherever there are two axes", GenerationConfig(cache_mb=0), (GPU,)),
    "compiled": Route("as auto, the trunk through torch.compile", GenerationConfig(compile_trunk="default"), (GPU,)),
    "graphs": Route("as compiled, replayed as CUDA graphs", GenerationConfig(compile_trunk="reduce-overhead"), (GPU,)),
}


def make_generate(route: str, generator: UHN, target: TargetModel, every: int = 1) -> Generate:
    """Return the function that generates all scalars of a target once.

    Args:
        route: name.
        generator: built with the route's ``generation``.
        target: what to generate.
        every: see `released`; 1 for all others.

    Raises:
        ValueError: rows are left out on a route other than ``released``.
    """
    if route == "released":
        return released(generator, target, every)
    if every != 1:
        raise ValueError(f"route {route}: expected every 1, got {every}; only 'released' can leave out rows")
    return plain_trunk(generator, target) if ROUTES[route].plain else lambda: generator.generate_scalars(target)


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
