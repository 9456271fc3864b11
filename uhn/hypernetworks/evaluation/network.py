"""What stands behind the encodings, and how its rows are computed: by plain modules or fused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from uhn.hypernetworks.evaluation.fused_trunk import ResidualStack, fused_trunk
from uhn.hypernetworks.evaluation.operator import FeatureOperator, apply_operators

# Below this many rows the trunk's activations stay in the cache anyway, and its plain modules are as fast.
FUSED_ROWS = 4096


@dataclass(frozen=True)
class Network:
    """The network behind the encodings: the trained part of a UHN, or a UHN that another UHN generated.

    Args:
        first_layer: weight and bias.
        structure_encoder: structure features -> conditioning vector; None where there is none.
        after_first: output of the first layer, conditioning vector or None -> scalars, by plain modules.
        residual_stack: the tensors that ``after_first`` computes with.

    Shapes:
        weight (d, 2 F), bias (d,); structure features (L, 2 F_s), conditioning vector (1, d)
    """

    first_layer: tuple[Tensor, Tensor]
    structure_encoder: Callable[[Tensor], Tensor] | None
    after_first: Callable[[Tensor, Tensor | None], Tensor]
    residual_stack: ResidualStack


def generate_rows(
    network: Network, operators: Sequence[FeatureOperator], conditioning: Tensor | None, *, bf16_products: bool
) -> Tensor:
    """Generate the scalars whose index features the operators stand for, in the operators' order.

    Many rows on a CPU go through the fused trunk; all others through plain modules.

    Args:
        network: generates them.
        operators: features of consecutive rows.
        conditioning: the conditioning vector.
        bf16_products: see `uhn.configuration.generators.GenerationConfig`.

    Shapes:
        conditioning (1, d) or None -> (rows,)
    """
    h = apply_operators(operators, *network.first_layer)
    if len(h) < FUSED_ROWS or h.device.type != "cpu":
        return network.after_first(h, conditioning)
    stack = network.residual_stack
    dtype = stack.readout[0].dtype  # autocast may have rounded h and the conditioning vector
    conditioning = None if conditioning is None else conditioning.to(dtype)
    return fused_trunk(h.to(dtype), stack, conditioning, matmul_dtype=_matmul_dtype(h.device.type, bf16_products))


def _matmul_dtype(device_type: str, bf16_products: bool) -> torch.dtype | None:
    """Return the type of the blocks' matrix products: autocast's where it is enabled; None for the network's own."""
    if torch.is_autocast_enabled(device_type):
        return torch.get_autocast_dtype(device_type)
    return torch.bfloat16 if bf16_products else None
