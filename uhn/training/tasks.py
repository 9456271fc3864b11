"""A task: a target model, its data and its loss, as the training loop and the evaluator see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from uhn.data.formulas import load_formula
from uhn.experiments.config import RunConfig
from uhn.models.base import TargetModel
from uhn.models.registry import build_model

Generator = Callable[[TargetModel], dict[str, Tensor]]


@dataclass(frozen=True)
class RegressionTask:
    """Whole-batch regression of a formula.

    Args:
        target: the model to train.
        inputs: all points.
        targets: their values.

    Shapes:
        inputs (points, 2), targets (points, outputs)
    """

    target: TargetModel
    inputs: Tensor
    targets: Tensor

    def training_loss(self, generator: Generator) -> Tensor:
        """Return the mean squared error over points and outputs, with the target in training mode."""
        self.target.train()
        return F.mse_loss(self.target.run(generator(self.target), self.inputs), self.targets)

    @torch.no_grad()
    def evaluate(self, generator: Generator) -> dict[str, float]:
        """Return ``loss`` and ``rmse`` over points and outputs, with the target in evaluation mode."""
        self.target.eval()
        outputs = self.target.run(generator(self.target), self.inputs)
        loss = F.mse_loss(outputs.double(), self.targets.double())
        return {"loss": loss.item(), "rmse": loss.sqrt().item()}


def load_task(config: RunConfig, split: str, target: TargetModel, device: torch.device) -> RegressionTask:
    """Load one split of a run's data onto the device."""
    inputs, targets = load_formula(config.dataset, config.seed, split)
    return RegressionTask(target, inputs.to(device), targets.to(device))


def build_target(config: RunConfig) -> TargetModel:
    """Build a run's target model."""
    return build_model(config.model)
