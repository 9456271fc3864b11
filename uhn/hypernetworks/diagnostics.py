"""What a generator's output looks like, tensor by tensor."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from uhn.models.base import TargetModel

if TYPE_CHECKING:
    from uhn.hypernetworks.chain import RecursiveChain


@dataclass(frozen=True)
class ComponentStatistics:
    """Scale of one generated tensor beside its initialisation target.

    Args:
        name: name of the parameter in the target model.
        mean, std: over its scalars, population std; 0 for the std of a single scalar.
        target_mean, target_std: what the initialisation phase aims at (paper, Section 3.4).
    """

    name: str
    mean: float
    std: float
    target_mean: float
    target_std: float


@torch.no_grad()
def component_statistics(target: TargetModel, weights: dict[str, Tensor]) -> list[ComponentStatistics]:
    """Measure all components that are not empty, in flattening order, with one transfer from the device.

    Args:
        target: the model.
        weights: its generated tensors by name.
    """
    placed = [p for p in target.placed_components if len(p.grid)]
    moments = [torch.var_mean(weights[p.name], correction=0) for p in placed]
    variances, means = torch.stack([torch.stack(pair) for pair in moments]).T.cpu()
    return [
        ComponentStatistics(p.name, mean, std, p.component.init.mean, p.component.init.std)
        for p, mean, std in zip(placed, means.tolist(), variances.sqrt().tolist(), strict=True)
    ]


@torch.no_grad()
def measure_levels(chain: RecursiveChain, leaf: TargetModel, level: int) -> dict[str, Any]:
    """Measure what a recursive chain generates, from level 0 down to a level.

    Returns:
        ``level_std``: level -> population std over all weights; ``components``: level -> name -> [mean, std].
    """
    stds, components = {}, {}
    for depth, (target, weights) in enumerate(islice(chain.levels(leaf), level + 1)):
        stds[str(depth)] = torch.cat([w.flatten() for w in weights.values()]).std(correction=0).item()
        components[str(depth)] = {c.name: [c.mean, c.std] for c in component_statistics(target, weights)}
    return {"level_std": stds, "components": components}
