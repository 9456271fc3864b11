"""The universal hypernetwork (paper, Section 3)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.descriptors.normalization import (
    INDEX_COLUMN_NAMES,
    STRUCTURE_COLUMN_NAMES,
    Normalizer,
    Ranges,
    check_covered,
)
from uhn.hypernetworks.encodings import GaussianFourier, exact_features, make_index_encoding, make_structure_encoding
from uhn.hypernetworks.first_layer import FeatureOperator, FirstLayerPlan, OperatorStack, SharedParts, apply_operators
from uhn.hypernetworks.first_layer.permutation import Permutation
from uhn.hypernetworks.first_layer.policy import feature_dtype, kept_bytes
from uhn.hypernetworks.fused_trunk import fused_trunk, tape_bytes
from uhn.hypernetworks.restriction import restrict
from uhn.hypernetworks.structure_encoder import StructureEncoder
from uhn.hypernetworks.trunk import Trunk
from uhn.models.base import TargetModel

# Rows per chunk of the reference evaluation, which recomputes its features in the backward pass.
REFERENCE_ROWS = 16384
# Below this many rows the trunk's activations stay in the cache anyway, and its plain modules are as fast.
FUSED_ROWS = 4096
# Rows per group where not everything fits the memory: small beside the memory, large beside the cost of a group.
GROUP_ROWS = 1 << 16
# Keep nothing of a part for the backward pass; it draws no random numbers whose state would have to be restored.
_recomputed = partial(checkpoint, use_reentrant=False, preserve_rng_state=False)


class Network(Protocol):
    """What comes behind the encodings: the part of a UHN that is trained, or that another UHN generates."""

    def structure_vector(self, features: Tensor | None) -> Tensor | None:
        """Encode structure features (L, 2 F_s) to the conditioning vector (1, d)."""

    def from_operators(self, operators: Sequence[FeatureOperator], structure: Tensor | None) -> Tensor:
        """Generate the scalars whose index features the operators stand for, in their order. Shape (rows,)."""

    def from_features(self, features: Tensor, structure: Tensor | None) -> Tensor:
        """Generate scalars from index features (rows, 2 F). Shape (rows,)."""


class UHN(nn.Module):
    """One network that generates every scalar of any target model its ranges cover.

    What a target's queries need and training does not change (features, transforms, the order of rows) is
    computed once and kept while the target lives; on a GPU also only until autocast is switched on or off. Of many
    targets those are kept that come first and fit ``GenerationConfig.kept_mb``; for the others what targets share is
    kept and the rest assembled whenever they come. See
    :mod:`uhn.hypernetworks.first_layer` for how the encoding and the first layer are evaluated together.

    Under autocast the products are rounded as anywhere, phases and the generated scalars are not: these come back in
    the generator's own type.

    Shapes:
        target with N scalars -> its named tensors, N numbers in all
    """

    def __init__(self, config: UHNConfig, ranges: Ranges, generation: GenerationConfig | None = None) -> None:
        super().__init__()
        self.config = config
        self.ranges = ranges
        self.generation = generation or GenerationConfig()
        self.index_normalizer = Normalizer(ranges.index_min, ranges.index_max)
        self.index_encoding = make_index_encoding(config, ranges)
        self.trunk = Trunk(self.index_encoding.width, config.hidden_dim, config.blocks)
        self.structure_encoder: StructureEncoder | None = None
        if config.structure_encoder:
            self.structure_normalizer = Normalizer(ranges.structure_min, ranges.structure_max)
            self.structure_encoding = make_structure_encoding(config)
            self.structure_encoder = StructureEncoder(
                self.structure_encoding.width, config.structure_heads, config.hidden_dim
            )
        self._prepared: WeakKeyDictionary[TargetModel, _Prepared] = WeakKeyDictionary()
        self._shared: tuple[Hashable, SharedParts] | None = None
        # Loaded frequencies differ from the drawn ones that plans may have been made from.
        self.register_load_state_dict_post_hook(lambda module, _: module.forget_targets())

    def forget_targets(self) -> None:
        """Drop what is kept about targets."""
        self._prepared.clear()
        self._shared = None

    def forward(self, target: TargetModel, rows: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Generate the weights of a target model.

        Args:
            target: the model.
            rows: of some tensors, the only rows that will be read, as `TargetModel.rows_read` returns them; the
                others come back as zeros. Everything by default.

        Shapes:
            rows one (kept,) int64 per name: sorted unique indices along the tensor's first axis

        Raises:
            ValueError: unknown names, or indices that are not as described.
        """
        return target.unflatten(self.generate_scalars(target, rows=rows))

    def generate_scalars(
        self, target: TargetModel, network: Network | None = None, rows: Mapping[str, Tensor] | None = None
    ) -> Tensor:
        """Generate all scalars of a target in flattening order.

        Args:
            target: the model.
            network: answers this generator's encoded queries in place of its own network (recursion).
            rows: see :meth:`forward`.

        Shapes:
            -> (N,)
        """
        network = network or self
        prepared = self._prepare(target)
        structure = network.structure_vector(prepared.structure_features)
        if not rows:
            return self._generate(prepared.queries, network, structure)
        kept = restrict(target, rows, self._device)
        if prepared.plan is None:
            queries = _Queries(index_rows=prepared.queries.index_rows[kept.scalars])
        else:
            queries = _Queries.from_stack(prepared.plan.restricted(kept.coordinates), self._rows_at_once())
        scalars = self._generate(queries, network, structure)
        return scalars.new_zeros(target.num_params).index_copy(0, kept.scalars, scalars)

    def _generate(self, queries: _Queries, network: Network, structure: Tensor | None) -> Tensor:
        if queries.index_rows is not None:
            generate = partial(self._generate_rows, network=network, structure=structure)
            return torch.cat([_recomputed(generate, rows) for rows in queries.index_rows.split(REFERENCE_ROWS)])
        pieces = [
            _recomputed(network.from_operators, group, structure) for group in queries.groups[: queries.recomputed]
        ]
        pieces += [network.from_operators(group, structure) for group in queries.groups[queries.recomputed :]]
        return queries.permutation(pieces[0] if len(pieces) == 1 else torch.cat(pieces))

    def query(self, index_rows: Tensor, structure_tokens: Tensor | None = None) -> Tensor:
        """Generate the scalars of arbitrary descriptor rows.

        Args:
            index_rows: raw index descriptors.
            structure_tokens: raw structure rows of the model; ignored without a task-structure encoder.

        Shapes:
            index_rows (n, 10), structure_tokens (L, 29) -> (n,)
        """
        features = None if structure_tokens is None else self._structure_features(structure_tokens)
        return self._generate_rows(index_rows, self, self.structure_vector(features))

    def structure_vector(self, features: Tensor | None) -> Tensor | None:
        """Encode structure features (L, 2 F_s) to the conditioning vector (1, d); None without an encoder."""
        if self.structure_encoder is None or features is None:
            return None
        return self.structure_encoder(features)

    def from_operators(self, operators: Sequence[FeatureOperator], structure: Tensor | None) -> Tensor:
        """Generate the scalars whose index features the operators stand for, in their order. Shape (rows,)."""
        h = apply_operators(operators, self.trunk.first.weight, self.trunk.first.bias)
        if len(h) < FUSED_ROWS or self._device.type != "cpu":
            return self._after_first(h, structure)
        structure = None if structure is None else structure.to(self._dtype)
        return fused_trunk(h.to(self._dtype), self.trunk, structure, matmul_dtype=self.matmul_dtype)

    @cached_property
    def _after_first(self) -> Callable[[Tensor, Tensor | None], Tensor]:
        """The trunk behind its first layer as plain modules, compiled if so configured."""
        mode = self.generation.compile_trunk
        return self.trunk.after_first if mode == "none" else torch.compile(self.trunk.after_first, mode=mode)

    def from_features(self, features: Tensor, structure: Tensor | None) -> Tensor:
        """Generate scalars from index features (rows, 2 F). Shape (rows,)."""
        return self.trunk(features, structure)

    def plan_of(self, target: TargetModel) -> FirstLayerPlan | None:
        """Return how a target's first layer is evaluated; None where features come from the index table."""
        return self._prepare(target).plan

    @property
    def matmul_dtype(self) -> torch.dtype | None:
        """Type of the blocks' matrix products if it is not the generator's: autocast's where that is enabled."""
        if torch.is_autocast_enabled(self._device.type):
            return torch.get_autocast_dtype(self._device.type)
        return torch.bfloat16 if self.generation.bf16_products else None

    @property
    def _dtype(self) -> torch.dtype:
        return self.trunk.readout.weight.dtype

    @property
    def _device(self) -> torch.device:
        return self.trunk.readout.weight.device

    @property
    def _feature_dtype(self) -> torch.dtype:
        autocast = torch.is_autocast_enabled(self._device.type)
        return feature_dtype(self._device.type, self._dtype, self.generation.first_layer, autocast)

    @property
    def _kept_for(self) -> tuple[torch.dtype, torch.device, torch.dtype]:
        return self._dtype, self._device, self._feature_dtype

    def _generate_rows(self, rows: Tensor, network: Network, structure: Tensor | None) -> Tensor:
        features = exact_features(self.index_normalizer, self.index_encoding, rows, self._dtype)
        return network.from_features(features, structure)

    def _structure_features(self, tokens: Tensor) -> Tensor | None:
        if self.structure_encoder is None:
            return None
        return exact_features(self.structure_normalizer, self.structure_encoding, tokens, self._dtype)

    def _prepare(self, target: TargetModel) -> _Prepared:
        """Look up, or compute, what of a target's queries does not change while training."""
        prepared = self._prepared.get(target)
        if prepared is None or prepared.key != self._kept_for:
            self._prepared.pop(target, None)
            prepared = self._compute_prepared(target)
            others = sum(kept.nbytes for kept in self._prepared.values())
            # The only target is kept whatever its size: everything is asked of it.
            if not others or others + prepared.nbytes <= self._kept_bytes():
                self._prepared[target] = prepared
        return prepared

    def _kept_bytes(self) -> int:
        gpu_bytes = torch.cuda.mem_get_info(self._device)[1] if self._device.type == "cuda" else None
        return kept_bytes(self.generation.kept_mb, gpu_bytes)

    def _compute_prepared(self, target: TargetModel) -> _Prepared:
        tokens = target.structure_tokens()
        grids = [placed.grid for placed in target.placed_components]
        corners = np.concatenate(
            [grid.materialise(i, i + 1) for grid in grids if len(grid) for i in (0, len(grid) - 1)]
        )
        check_covered(corners, self.ranges.index_min, self.ranges.index_max, INDEX_COLUMN_NAMES)
        if self.structure_encoder is not None:
            check_covered(tokens, self.ranges.structure_min, self.ranges.structure_max, STRUCTURE_COLUMN_NAMES)
        plan = self._make_plan(target)
        if plan is None:
            queries = _Queries(index_rows=torch.as_tensor(target.index_table(), device=self._device))
        else:
            queries = _Queries.from_stack(plan, self._rows_at_once())
        structure = self._structure_features(torch.as_tensor(tokens, device=self._device))
        nbytes = queries.index_rows.nbytes if plan is None else plan.nbytes
        return _Prepared(self._kept_for, plan, structure, queries, nbytes)

    def _rows_at_once(self) -> int:
        """Return how many rows fit the memory budget: the first layer's output, its gradient and the trunk's tape."""
        d = self.config.hidden_dim
        row_bytes = 2 * d * self._dtype.itemsize + tape_bytes(1, d, self.config.blocks, self._dtype)
        return max((self.generation.memory_mb << 20) // row_bytes, 1)

    def _make_plan(self, target: TargetModel) -> FirstLayerPlan | None:
        if self.generation.first_layer == "reference" or not isinstance(self.index_encoding, GaussianFourier):
            return None
        normalizer, encoding = self.index_normalizer, self.index_encoding
        if self._shared is None or self._shared[0] != self._kept_for:
            self._shared = self._kept_for, SharedParts(normalizer, encoding, *self._kept_for)
        return FirstLayerPlan(
            [placed.grid for placed in target.placed_components],
            normalizer,
            encoding,
            route=self.generation.first_layer,
            tolerance=self.generation.tolerance,
            cache_bytes=self.generation.cache_mb << 20,
            shared=self._shared[1],
            dtype=self._dtype,
            device=self._device,
            feature_dtype=self._feature_dtype,
        )


@dataclass(frozen=True)
class _Queries:
    """The scalars that are asked for: rows of the index table, or groups of operators.

    What one backward pass needs of all groups may not fit the memory. The last ones, which it begins with, keep it;
    the first ones compute it again when their turn comes.

    Args:
        index_rows: where there is no plan.
        groups: evaluated one after the other.
        recomputed: number of first groups that are.
        permutation: from the rows of the stacked groups to the order of the scalars.

    Shapes:
        index_rows (N, 10) float64
    """

    index_rows: Tensor | None = None
    groups: Sequence[list[FeatureOperator]] = ()
    recomputed: int = 0
    permutation: Permutation | None = None

    @classmethod
    def from_stack(cls, stack: OperatorStack, fits: int) -> _Queries:
        """Cut operators into groups, of which the last ones together have at most about ``fits`` rows."""
        if len(stack.permutation) <= fits:
            return cls(groups=stack.groups(fits), permutation=stack.permutation)
        groups = stack.groups(min(fits, GROUP_ROWS))
        sizes = [sum(operator.rows for operator in group) for group in groups]
        recomputed = len(groups) - 1  # what the last one keeps is needed at once
        while recomputed and sum(sizes[recomputed - 1 :]) <= fits:
            recomputed -= 1
        return cls(groups=groups, recomputed=recomputed, permutation=stack.permutation)


@dataclass(frozen=True)
class _Prepared:
    """What a generator keeps about one target, for which dtype, device and dtype of features, and how large it is.

    Shapes:
        structure_features (L, 2 F_s) or None
    """

    key: tuple[torch.dtype, torch.device, torch.dtype]
    plan: FirstLayerPlan | None
    structure_features: Tensor | None
    queries: _Queries
    nbytes: int
