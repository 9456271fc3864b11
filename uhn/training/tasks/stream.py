"""Endless passes over examples in an order of their own, resumable between any two batches."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class IndexStream:
    """Indices in batches: a new permutation for each pass, its last batch as short as it is.

    Args:
        count: number of examples.
        batch_size: indices of a batch.
        generator: source of the permutations.
    """

    def __init__(self, count: int, batch_size: int, generator: torch.Generator) -> None:
        self.count = count
        self.batch_size = batch_size
        self._generator = generator
        self._before = generator.get_state()
        self._order = torch.empty(0, dtype=torch.int64)
        self._position = 0

    @property
    def batches(self) -> int:
        """Batches of a pass."""
        return -(-self.count // self.batch_size)

    def next(self) -> Tensor:
        """Return the next indices. Shape (b,), int64, on the CPU."""
        if self._position >= len(self._order):
            self._shuffle()
            self._position = 0
        batch = self._order[self._position : self._position + self.batch_size]
        self._position += self.batch_size
        return batch

    def state(self) -> dict[str, Any]:
        """Return the generator's state before this pass, and the place in it."""
        return {"before": self._before, "position": self._position, "started": len(self._order) > 0}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._generator.set_state(state["before"].cpu())
        self._before = state["before"].cpu()
        self._order = torch.empty(0, dtype=torch.int64)
        if state["started"]:
            self._shuffle()
        self._position = state["position"]

    def _shuffle(self) -> None:
        self._before = self._generator.get_state()
        self._order = torch.randperm(self.count, generator=self._generator)
