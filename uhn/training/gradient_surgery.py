"""PCGrad, projecting conflicting gradients (Yu et al. 2020, "Gradient Surgery for Multi-Task Learning")."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from uhn.device import upload


def take_gradients(parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradient by each parameter, zeros where it has none, and leave the parameters without."""
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    set_gradients(parameters, [None] * len(gradients))
    return gradients


def set_gradients(parameters: Sequence[Tensor], gradients: Sequence[Tensor | None]) -> None:
    """Give each parameter its gradient."""
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient


def combine_gradients(gradients: Sequence[Sequence[Tensor]], generator: torch.Generator) -> list[Tensor]:
    """Sum the gradients of several tasks after projecting away what conflicts between them (their algorithm 1).

    Args:
        gradients: for every task, the gradient of its loss by each parameter.
        generator: a CPU generator; for each task it draws the order of the others that its gradient is projected on.

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

    A projection subtracts a multiple of another task's gradient. Each projected gradient is therefore a linear
    combination of the given ones, and their inner products suffice. Nothing here waits for a GPU.

    Args:
        products: inner products of the gradients.
        orders: row i is the order in which gradient i is projected on the others; i itself in it has no effect.

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
