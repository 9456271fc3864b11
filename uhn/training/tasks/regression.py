"""Regression of a formula, all points in every batch (paper, Table 11)."""

from __future__ import annotations

import hashlib

import torch
import torch.nn.functional as F
from torch import Tensor

from uhn.configuration.run import RunConfig, TaskConfig
from uhn.data.formulas import load_formula
from uhn.data.splits import validation_split
from uhn.models.base import TargetModel
from uhn.training.tasks.base import Batch, WholeBatchTask
from uhn.training.tasks.facts import DataFacts


class RegressionTask(WholeBatchTask):
    """Mean squared error over points and outputs.

    Args:
        facts: about the data.
        inputs: all points.
        targets: their values.

    Shapes:
        inputs (points, 2), targets (points, outputs)
    """

    def __init__(self, facts: DataFacts, inputs: Tensor, targets: Tensor) -> None:
        self.facts = facts
        self.inputs = inputs
        self.targets = targets

    def next_batch(self) -> Batch:
        return Batch((self.inputs,), self.targets)

    def loss(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return F.mse_loss(outputs.to(labels.dtype), labels)

    @torch.no_grad()
    def evaluate(self, target: TargetModel, weights: dict[str, Tensor]) -> dict[str, float]:
        """Return ``loss`` and ``rmse`` over points and outputs."""
        target.eval()
        loss = F.mse_loss(target.run(weights, self.inputs).double(), self.targets.double())
        return {"loss": loss.item(), "rmse": loss.sqrt().item()}


def load_regression(config: RunConfig, task: TaskConfig, split: str, device: torch.device) -> RegressionTask:
    """Load one split: ``train``, ``validation`` (of a tuning run) or ``test``."""
    inputs, targets = load_formula(task.dataset, config.seed, "test" if split == "test" else "train")
    if config.mode == "tuning" and split != "test":
        chosen = validation_split(task.dataset, len(inputs))[split == "validation"]
        inputs, targets = inputs[chosen], targets[chosen]
    digest = hashlib.sha256()
    for tensor in (inputs, targets):
        digest.update(tensor.numpy().tobytes())
    facts = DataFacts(task.dataset, "formula", None, digest.hexdigest())
    return RegressionTask(facts, inputs.to(device), targets.to(device))
