"""Arithmetic of a training step: float32, or half precision by autocast with float32 weights."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def autocast(precision: str, device: torch.device) -> AbstractContextManager:
    """Return the context in which forward passes and losses are computed.

    Phases of the Fourier features are float64 inside it too.
    """
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=DTYPES[precision])


def make_scaler(precision: str, device: torch.device) -> torch.amp.GradScaler:
    """Return a dynamic loss scaler, which does nothing unless the precision is float16.

    torch's defaults are the release's: 65,536 at first, doubled after 2,000 good steps, halved on overflow.
    """
    return torch.amp.GradScaler(device.type, enabled=precision == "float16")
