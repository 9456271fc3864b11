"""Arithmetic of a training step: float32, or half precision by autocast with float32 weights.

Deviation: on a CPU everything runs in float32; the release trains under fp16 autocast with dynamic loss scaling,
which is the default on a GPU here too (``precision`` in config/defaults.yaml). Under autocast these stay float32 here:
generation in recursive chains, the readout of a generator, the statistics of the initialisation phase, losses, and the
propagation of sparse node features.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def autocast(precision: str, device: torch.device) -> AbstractContextManager:
    """Return the context of forward passes and losses; phases of Fourier features stay float64 in it."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=DTYPES[precision])


def make_scaler(precision: str, device: torch.device) -> torch.amp.GradScaler:
    """Return a dynamic loss scaler, which does nothing unless the precision is float16.

    torch's defaults are the release's: it starts at 65,536, doubles after 2,000 good steps and halves on overflow.
    """
    return torch.amp.GradScaler(device.type, enabled=precision == "float16")
