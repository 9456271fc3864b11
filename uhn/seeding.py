"""Random streams: one per purpose, all derived from the run seed, so that one more draw shifts no other stream.

Deviation: the release seeds every global generator with the run seed itself, so its draws (Fourier matrices,
initial weights) are not reproduced number by number.

The data of formula regression is the exception: it follows the paper, which draws it from the run seed itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def derive_seed(seed: int, purpose: str) -> int:
    """Return a 63-bit seed for a purpose: the first bytes of sha256 of ``<seed>/<purpose>``."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@contextmanager
def seeded(seed: int, purpose: str) -> Iterator[None]:
    """Run a block with torch's CPU generator seeded for a purpose; restore its state afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, purpose))
        yield
