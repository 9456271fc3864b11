"""Running statistics: per target, of the batch, or estimated again for generated weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

POLICIES = ("per_target", "batch")


def running_norms(module: nn.Module) -> dict[str, _NormBase]:
    """Return the norms that keep running statistics, by name."""
    return {n: m for n, m in module.named_modules() if isinstance(m, _NormBase) and m.track_running_stats}


def use_batch_statistics(module: nn.Module) -> None:
    """Make the norms of a module normalise by the batch, in evaluation too, and keep no statistics."""
    for norm in running_norms(module).values():
        norm.track_running_stats = False
        norm.running_mean = norm.running_var = norm.num_batches_tracked = None


@contextmanager
def estimating(module: nn.Module) -> Iterator[None]:
    """Within the context only the norms that keep statistics are in training mode; dropout, for one, is off."""
    modes = {submodule: submodule.training for submodule in module.modules()}
    momenta = {norm: norm.momentum for norm in running_norms(module).values()}
    try:
        module.eval()
        for norm in momenta:
            norm.training = True
        with torch.no_grad():
            yield
    finally:
        for submodule, mode in modes.items():
            submodule.training = mode
        for norm, momentum in momenta.items():
            norm.momentum = momentum
