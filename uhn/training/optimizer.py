"""AdamW through torch's functional form.

``torch.optim.AdamW`` imports torch's whole compiler at its first step, 1.5 seconds of every training job; its
arithmetic is this function.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from uhn.configuration.run import OptimizerConfig


class AdamW:
    """Fused AdamW on tensors that require gradients.

    A ``torch.amp.GradScaler`` drives it like torch's own: it reads ``param_groups`` and sets ``grad_scale`` and
    ``found_inf`` around a step. The step then unscales, or does nothing after an overflow, without a wait for the
    device. Between steps neither attribute exists: the scaler would multiply a ``grad_scale`` that it finds.

    Args:
        parameters: what to train, all on one device.
        config: constants of AdamW.
    """

    _step_supports_amp_scaling = True

    def __init__(self, parameters: Iterable[Tensor], config: OptimizerConfig) -> None:
        self.parameters = list(parameters)
        self.device = self.parameters[0].device
        self.config = config
        self._averages = [torch.zeros_like(p) for p in self.parameters]
        self._squares = [torch.zeros_like(p) for p in self.parameters]
        self._steps = [torch.zeros((), dtype=torch.float32, device=p.device) for p in self.parameters]

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """All parameters in one group."""
        return [{"params": self.parameters}]

    @torch.no_grad()
    def step(self, lr: float) -> None:
        """Update every parameter that has a gradient, then drop the gradients."""
        active = [i for i, p in enumerate(self.parameters) if p.grad is not None]
        beta1, beta2 = self.config.betas
        adamw(
            [self.parameters[i] for i in active],
            [self.parameters[i].grad for i in active],
            [self._averages[i] for i in active],
            [self._squares[i] for i in active],
            [],
            [self._steps[i] for i in active],
            fused=True,
            grad_scale=getattr(self, "grad_scale", None),
            found_inf=getattr(self, "found_inf", None),
            amsgrad=False,
            beta1=beta1,
            beta2=beta2,
            lr=lr,
            weight_decay=self.config.weight_decay,
            eps=self.config.eps,
            maximize=False,
        )
        for parameter in self.parameters:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return the moments and step counts."""
        return {"averages": self._averages, "squares": self._squares, "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore :meth:`state_dict`."""
        self._averages, self._squares, self._steps = state["averages"], state["squares"], state["steps"]
