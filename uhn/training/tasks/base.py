"""What the training loop and the evaluator see of a task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from uhn.models.base import TargetModel
from uhn.training.tasks.facts import DataFacts


@dataclass(frozen=True)
class Batch:
    """Inputs of a target model, and what its outputs are compared with.

    Args:
        inputs: arguments of the model.
        labels: values or classes.
        host_inputs: the same inputs on the CPU, from tasks that make them there: reading their values does not force
            a synchronisation with a GPU.
    """

    inputs: tuple[Tensor, ...]
    labels: Tensor
    host_inputs: tuple[Tensor, ...] | None = None

    def rows_read(self, target: TargetModel) -> dict[str, Tensor]:
        """Return which rows of its tensors a target reads on this batch; see :meth:`TargetModel.rows_read`."""
        return target.rows_read(*(self.host_inputs or self.inputs))


class Task(ABC):
    """One split of a data set with its loss.

    Attributes:
        facts: about the data.
        steps_per_epoch: batches of a pass.
    """

    facts: DataFacts
    steps_per_epoch: int

    @abstractmethod
    def next_batch(self) -> Batch:
        """Return the next batch of an endless, reshuffled stream."""

    @abstractmethod
    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return the training loss of a batch, a scalar."""

    @abstractmethod
    def evaluate(self, target: TargetModel, weights: dict[str, Tensor]) -> dict[str, float]:
        """Return loss and metrics over the whole split, in file order, with the target in evaluation mode."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return what the next batch depends on."""

    @abstractmethod
    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from :meth:`state`."""


class WholeBatchTask(Task):
    """A task whose batches are the whole split."""

    steps_per_epoch = 1

    def state(self) -> dict[str, Any]:
        return {}

    def load_state(self, state: dict[str, Any]) -> None:
        pass
