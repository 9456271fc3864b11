"""Endless shuffled passes over examples, resumable between any two batches.

Deviation: the release shuffles with the global generator, so its batches come in another order.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class IndexStream:
    """Indices in batches, with a new permutation for each pass; the last batch of a pass may be shorter.

    Args:
        count: number of examples.
        batch_size: indices of a batch.
        generator: source of the permutations.
    """

    def __init__(self, count: int, batch_size: int, generator: torch.Generator) -> None:
        self.count = count
        self.batch_size = batch_size
        self._generator = generator
        self._pass_start = generator.get_state()
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
        """Return the generator's state before this pass, and the position in the pass."""
        return {"before": self._pass_start, "position": self._position, "started": len(self._order) > 0}

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""
        self._generator.set_state(state["before"].cpu())
        self._pass_start = state["before"].cpu()
        self._order = torch.empty(0, dtype=torch.int64)
        if state["started"]:
            self._shuffle()
        self._position = state["position"]

    def _shuffle(self) -> None:
        self._pass_start = self._generator.get_state()
        self._order = torch.randperm(self.count, generator=self._generator)
