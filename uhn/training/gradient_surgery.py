"""PCGrad, projecting conflicting gradients (Yu et al. 2020, "Gradient Surgery for Multi-Task Learning")."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def combine_gradients(gradients: Sequence[Sequence[Tensor]], generator: torch.Generator) -> list[Tensor]:
    """Add the gradients of several tasks after removing what conflicts between them (their algorithm 1).

    Args:
        gradients: for every task, the gradient of its loss by each parameter.
        generator: a CPU generator; draws the order in which each task meets the others.

    Returns:
        One tensor per parameter.
    """
    vectors = torch.stack([torch.cat([g.flatten().double() for g in task]) for task in gradients])  # (T, P)
    weights = task_weights((vectors @ vectors.T).cpu(), generator).tolist()
    return [
        sum(weight * g for weight, g in zip(weights, parameter, strict=True))
        for parameter in zip(*gradients, strict=True)
    ]


def task_weights(products: Tensor, generator: torch.Generator) -> Tensor:
    """Return the factors w of the task gradients g in the combined gradient, the sum of w_i g_i.

    A projection subtracts a multiple of another task's gradient, so each projected gradient is a combination of the
    given ones, and their inner products are all that is needed.

    Shapes:
        products (T, T), inner products of the gradients -> (T,)
    """
    tasks = len(products)
    combinations = torch.eye(tasks, dtype=products.dtype)
    for task, combination in enumerate(combinations):
        for other in torch.randperm(tasks, generator=generator).tolist():
            inner = combination @ products[:, other]
            if other != task and inner < 0:
                combination[other] -= inner / products[other, other]
    return combinations.sum(dim=0)
