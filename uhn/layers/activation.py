"""Activations by name, as the descriptors know them."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from uhn.descriptors.vocabulary import ActivationType


@dataclass(frozen=True)
class Activation:
    """An elementwise function and its descriptor fields.

    Args:
        kind: id of the function.
        param: negative slope of LeakyReLU, alpha of ELU; 0 where the function has none.
    """

    kind: ActivationType = ActivationType.NONE
    param: float = 0.0

    def __call__(self, x: Tensor) -> Tensor:
        match self.kind:
            case ActivationType.NONE:
                return x
            case ActivationType.LEAKY_RELU:
                return F.leaky_relu(x, self.param)
            case ActivationType.ELU:
                return F.elu(x, self.param)
            case ActivationType.SILU:
                return F.silu(x)


IDENTITY = Activation()
LEAKY_RELU = Activation(ActivationType.LEAKY_RELU, 0.1)
ELU = Activation(ActivationType.ELU, 1.0)
SILU = Activation(ActivationType.SILU)
