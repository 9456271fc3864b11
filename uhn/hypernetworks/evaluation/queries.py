"""The scalars that are asked for, and their computation within a memory budget."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from uhn.hypernetworks.evaluation.network import Network, generate_rows
from uhn.hypernetworks.evaluation.operator import FeatureOperator
from uhn.hypernetworks.evaluation.restriction import Restriction
from uhn.hypernetworks.evaluation.stack import OperatorStack

# Rows of the index table per chunk.
TABLE_CHUNK_ROWS = 16384
# Rows per group where not everything fits the memory: small beside the memory, large beside the cost of a group.
GROUP_ROWS = 1 << 16
# Keeps nothing for the backward pass. No random numbers are drawn, so no state of theirs has to be restored.
recomputed = partial(checkpoint, use_reentrant=False, preserve_rng_state=False)


class TableQueries:
    """Rows of the index table. Their features are computed chunk by chunk, and again in the backward pass.

    Works with every encoding.

    Args:
        index_rows: raw index descriptors.
        encode: index descriptors (rows, 10) -> features (rows, width).

    Shapes:
        index_rows (rows, 10), float64
    """

    def __init__(self, index_rows: Tensor, encode: Callable[[Tensor], Tensor]) -> None:
        self.index_rows = index_rows
        self.encode = encode
        self.nbytes = index_rows.nbytes  # kept for this target alone

    def scalars(self, network: Network, conditioning: Tensor | None) -> Tensor:
        """Generate the scalars. Shape (rows,)."""

        def generate(index_rows: Tensor) -> Tensor:
            return network.after_first(F.linear(self.encode(index_rows), *network.first_layer), conditioning)

        return torch.cat([recomputed(generate, chunk) for chunk in self.index_rows.split(TABLE_CHUNK_ROWS)])

    def restricted(self, restriction: Restriction) -> TableQueries:
        """Ask for some of the scalars only."""
        return TableQueries(self.index_rows[restriction.scalars], self.encode)


class PlannedQueries:
    """Rows of a plan, evaluated in groups within a memory budget.

    What one backward pass needs of all groups may not fit the memory. The last groups, with which it begins, keep it;
    the first ones compute it again in the backward pass.

    Args:
        stack: the plan, or a part of it.
        rows_at_once: how many rows fit the memory budget.
        bf16_products: see `uhn.configuration.generators.GenerationConfig`.
    """

    def __init__(self, stack: OperatorStack, rows_at_once: int, bf16_products: bool = False) -> None:
        self.stack = stack
        self.rows_at_once = rows_at_once
        self.bf16_products = bf16_products
        self.groups, self.num_recomputed = cut_into_groups(stack, rows_at_once)

    @property
    def nbytes(self) -> int:
        """Bytes kept for this target alone."""
        return self.stack.nbytes

    def scalars(self, network: Network, conditioning: Tensor | None) -> Tensor:
        """Generate the scalars. Shape (rows,)."""
        generate = partial(generate_rows, network, bf16_products=self.bf16_products)
        pieces = [recomputed(generate, group, conditioning) for group in self.groups[: self.num_recomputed]]
        pieces += [generate(group, conditioning) for group in self.groups[self.num_recomputed :]]
        return self.stack.permutation(pieces[0] if len(pieces) == 1 else torch.cat(pieces))

    def restricted(self, restriction: Restriction) -> PlannedQueries:
        """Ask for some of the scalars only."""
        return PlannedQueries(self.stack.restricted(restriction.coordinates), self.rows_at_once, self.bf16_products)


def cut_into_groups(stack: OperatorStack, rows_at_once: int) -> tuple[list[list[FeatureOperator]], int]:
    """Cut a stack into groups, and tell how many of the first ones have to be recomputed.

    The others together have at most about ``rows_at_once`` rows.
    """
    if stack.rows <= rows_at_once:
        return stack.groups(rows_at_once), 0
    groups = stack.groups(min(rows_at_once, GROUP_ROWS))
    sizes = [sum(operator.rows for operator in group) for group in groups]
    num_recomputed = len(groups) - 1  # the last group's activations are needed at once
    while num_recomputed and sum(sizes[num_recomputed - 1 :]) <= rows_at_once:
        num_recomputed -= 1
    return groups, num_recomputed
