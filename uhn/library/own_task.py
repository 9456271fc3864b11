"""The user's batches, loss and targets, as the training step asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from uhn.errors import UserError
from uhn.models.base import Target
from uhn.training.targets import Roles
from uhn.training.tasks.base import Batch

Loss = Callable[[Any, Any], Tensor]


class OwnTask:
    """Batches and their loss, checked: what a step asks of a `uhn.training.tasks.base.Task`.

    Args:
        batches: of pairs (inputs, labels), gone through again and again.
        loss: of outputs and labels.
        device: where inputs, labels and loss belong.
    """

    def __init__(self, batches: Iterable[tuple[Any, Any]], loss: Loss, device: torch.device) -> None:
        if not isinstance(batches, Iterable):
            raise UserError(f"batches: expected an iterable of pairs (inputs, labels), got a {type(batches).__name__}")
        self._batches = batches
        self._loss = loss
        self._device = device
        self._pass: Iterator[tuple[Any, Any]] = iter(batches)
        self._put_back: list[Batch] = []

    def put_back(self, batch: Batch) -> None:
        """Let a batch be the next one again."""
        self._put_back.append(batch)

    def next_batch(self) -> Batch:
        """Return the next batch.

        Raises:
            UserError: there is none, it is no pair, or it is on another device.
        """
        if self._put_back:
            return self._put_back.pop()
        try:
            pair = next(self._pass, None)
            if pair is None:
                self._pass = iter(self._batches)
                pair = next(self._pass)
        except StopIteration:
            raise UserError("batches: ended; give a list, a DataLoader or a generator that goes on for ever") from None
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise UserError(f"batches: expected pairs (inputs, labels), got a {_kind(pair)}")
        inputs, labels = pair
        for tensor in tree_leaves(pair):
            if isinstance(tensor, Tensor) and tensor.device != self._device:
                raise UserError(
                    f"batches: expected tensors on the generator's device {self._device}, got one on {tensor.device}; "
                    "move the batches or the generator"
                )
        return Batch(tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,), labels)

    def loss(self, outputs: Any, labels: Any) -> Tensor:
        """Return the loss of a batch.

        Raises:
            UserError: it is no finite scalar.
        """
        value = self._loss(outputs, labels)
        if not isinstance(value, Tensor) or value.ndim:
            shape = f" of shape {tuple(value.shape)}" if isinstance(value, Tensor) else ""
            raise UserError(f"loss: expected a scalar tensor, got a {type(value).__name__}{shape}; take its mean")
        if value.device != self._device:
            raise UserError(f"loss: expected on the generator's device {self._device}, got on {value.device}")
        if not value.isfinite():
            raise UserError(f"loss: is {value.item()}; lower lr, or look for inputs that are not finite")
        return value


class OwnTargets:
    """Targets by their position: what draws ask of a `uhn.training.targets.TargetSet`."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = {str(position): target for position, target in enumerate(targets)}
        self.roles = Roles(tuple(self._targets), {})

    def build(self, name: str) -> Target:
        """Return a target."""
        return self._targets[name]


def _kind(value: Any) -> str:
    length = f" of {len(value)}" if isinstance(value, tuple | list) else ""
    return f"{type(value).__name__}{length}"
