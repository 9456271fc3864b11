"""The initialisation phase's objective: match per-component statistics (paper, Section 3.4)."""

from __future__ import annotations

import torch
from torch import Tensor

from uhn.device import upload
from uhn.hypernetworks.generator import Generator
from uhn.models.base import TargetModel


def initialisation_loss(generator: Generator, target: TargetModel, level: int | None) -> Tensor:
    """Return the loss of an initialisation step, which reads no data.

    Args:
        generator: generates the weights.
        target: the model.
        level: of a recursive chain, the level whose model is judged; nothing below it is generated. None without a
            chain.
    """
    if level is None:
        return statistics_loss(target, generator(target))
    return statistics_loss(*generator.generate_level(target, level))


def statistics_loss(target: TargetModel, weights: dict[str, Tensor]) -> Tensor:
    r"""Compare mean and population std of every generated component with its target.

    .. math:: L = \frac{1}{2C} \sum_c (m_c - \mu_c)^2 + (s_c - \sigma_c)^2

    Computed in float32 also under autocast: half precision would round small differences to zero.

    Components are not weighted by size. Those of one scalar have std 0 with gradient 0; empty ones (a bias that is
    switched off) do not count.

    Args:
        target: the model whose components state the targets.
        weights: its generated tensors by name.

    Returns:
        The loss, a scalar.
    """
    components = zip(target.placed_components, target.component_tensors(weights), strict=True)
    placed, tensors = zip(*((p, tensor) for p, tensor in components if len(p.grid)), strict=True)
    tensors = [tensor.to(torch.promote_types(tensor.dtype, torch.float32)) for tensor in tensors]
    means = torch.stack([w.mean() for w in tensors])
    stds = torch.stack([w.std(correction=0) if w.numel() > 1 else w.new_zeros(()) for w in tensors])
    objectives = torch.tensor([(p.component.init.mean, p.component.init.std) for p in placed], dtype=means.dtype)
    mean_targets, std_targets = upload(objectives, means.device).unbind(1)
    return ((means - mean_targets).square() + (stds - std_targets).square()).mean() / 2
