"""PCGrad, projecting conflicting gradients (Yu et al. 2020, "Gradient Surgery for Multi-Task Learning")."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from uhn.device import upload


def combine_gradients(gradients: Sequence[Sequence[Tensor]], generator: torch.Generator) -> list[Tensor]:
    """Add the gradients of several tasks after removing what conflicts between them (their algorithm 1).

    Args:
        gradients: for every task, the gradient of its loss by each parameter.
        generator: a CPU generator; draws the order in which each task meets the others.

    Returns:
        One tensor per parameter.
    """
    vectors = torch.stack([torch.cat([g.flatten().double() for g in task]) for task in gradients])  # (T, P)
    orders = torch.stack([torch.randperm(len(gradients), generator=generator) for _ in gradients])
    weights = task_weights(vectors @ vectors.T, upload(orders, vectors.device)).unbind()
    return [
        sum(weight.to(g.dtype) * g for weight, g in zip(weights, parameter, strict=True))
        for parameter in zip(*gradients, strict=True)
    ]


def task_weights(products: Tensor, orders: Tensor) -> Tensor:
    """Return the factors w of the task gradients g in the combined gradient, the sum of w_i g_i.

    A projection subtracts a multiple of another task's gradient, so each projected gradient is a combination of the
    given ones, and their inner products are all that is needed. Nothing here waits for a GPU.

    Args:
        products: inner products of the gradients.
        orders: row i has the order in which task i meets the others, and, without effect, itself.

    Shapes:
        products (T, T), orders (T, T) int64 -> (T,)
    """
    tasks = torch.arange(len(products), device=products.device)
    combinations = torch.eye(len(products), dtype=products.dtype, device=products.device)
    for others in orders.unbind(1):
        inner = (combinations * products[others]).sum(dim=1)
        conflict = (inner < 0) & (others != tasks)
        combinations[tasks, others] -= torch.where(conflict, inner / products[others, others], 0.0)
    return combinations.sum(dim=0)
