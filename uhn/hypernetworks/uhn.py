"""The universal hypernetwork (paper, Section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from uhn.descriptors.normalization import (
    INDEX_COLUMN_NAMES,
    STRUCTURE_COLUMN_NAMES,
    Normalizer,
    Ranges,
    check_covered,
)
from uhn.hypernetworks.config import GenerationConfig, UHNConfig
from uhn.hypernetworks.encodings import GaussianFourier, exact_features, make_index_encoding, make_structure_encoding
from uhn.hypernetworks.first_layer import FeatureOperator, FirstLayerPlan, PlaneCache, apply_operators
from uhn.hypernetworks.fused_trunk import fused_trunk, tape_bytes
from uhn.hypernetworks.structure_encoder import StructureEncoder
from uhn.hypernetworks.trunk import Trunk
from uhn.models.base import TargetModel

# Rows per chunk of the reference evaluation, which recomputes its features in the backward pass.
REFERENCE_ROWS = 16384
# Below this many rows the trunk's activations stay in the cache anyway, and its plain modules are as fast.
FUSED_ROWS = 4096


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
    computed once and kept while the target lives. See :mod:`uhn.hypernetworks.first_layer` for how the encoding
    and the first layer are evaluated together.

    Args:
        config: sizes.
        ranges: bounds of the descriptors of all targets of the setting.
        generation: how to evaluate.

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
        self._planes: PlaneCache | None = None
        # Loaded frequencies differ from the drawn ones that plans may have been made from.
        self.register_load_state_dict_post_hook(lambda module, _: module.forget_targets())

    def forget_targets(self) -> None:
        """Drop what is kept about targets."""
        self._prepared.clear()
        self._planes = None

    def forward(self, target: TargetModel) -> dict[str, Tensor]:
        """Generate the weights of a target model."""
        return target.unflatten(self.generate_scalars(target))

    def generate_scalars(self, target: TargetModel, network: Network | None = None) -> Tensor:
        """Generate all scalars of a target in flattening order.

        On a CPU in the generator's own type also under autocast: its evaluation there is fused by hand.

        Args:
            target: the model.
            network: answers this generator's encoded queries in place of its own network (recursion).

        Shapes:
            -> (N,)
        """
        network = network or self
        prepared = self._prepare(target)
        if self._device.type == "cpu":
            with torch.autocast("cpu", enabled=False):
                return self._generate(prepared, network)
        return self._generate(prepared, network)

    def _generate(self, prepared: _Prepared, network: Network) -> Tensor:
        structure = network.structure_vector(prepared.structure_features)
        if prepared.plan is None:
            generate = partial(self._generate_rows, network=network, structure=structure)
            pieces = [
                checkpoint(generate, rows, use_reentrant=False) for rows in prepared.index_rows.split(REFERENCE_ROWS)
            ]
            return torch.cat(pieces)
        if len(prepared.groups) == 1:
            return network.from_operators(prepared.groups[0], structure)[prepared.plan.order]
        pieces = [
            checkpoint(network.from_operators, group, structure, use_reentrant=False) for group in prepared.groups
        ]
        return torch.cat(pieces)[prepared.plan.order]

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
            return self.trunk.after_first(h, structure)
        return fused_trunk(h, self.trunk, structure, matmul_dtype=self.matmul_dtype)

    def from_features(self, features: Tensor, structure: Tensor | None) -> Tensor:
        """Generate scalars from index features (rows, 2 F). Shape (rows,)."""
        return self.trunk(features, structure)

    def plan_of(self, target: TargetModel) -> FirstLayerPlan | None:
        """Return how a target's first layer is evaluated; None where features come from the index table."""
        return self._prepare(target).plan

    @property
    def matmul_dtype(self) -> torch.dtype | None:
        """Type to round the matrix products of the blocks to; None leaves them as they are."""
        return torch.bfloat16 if self.generation.bf16_products else None

    @property
    def _dtype(self) -> torch.dtype:
        return self.trunk.readout.weight.dtype

    @property
    def _device(self) -> torch.device:
        return self.trunk.readout.weight.device

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
        if prepared is None or prepared.key != (self._device, self._dtype):
            prepared = self._prepared[target] = self._compute_prepared(target)
        return prepared

    def _compute_prepared(self, target: TargetModel) -> _Prepared:
        table, tokens = target.index_table(), target.structure_tokens()
        check_covered(table, self.ranges.index_min, self.ranges.index_max, INDEX_COLUMN_NAMES)
        if self.structure_encoder is not None:
            check_covered(tokens, self.ranges.structure_min, self.ranges.structure_max, STRUCTURE_COLUMN_NAMES)
        plan = self._make_plan(target)
        rows = torch.as_tensor(table, device=self._device) if plan is None else None
        groups = [] if plan is None else plan.groups(self._rows_at_once())
        structure = self._structure_features(torch.as_tensor(tokens, device=self._device))
        return _Prepared((self._device, self._dtype), rows, plan, groups, structure)

    def _rows_at_once(self) -> int:
        """Return how many rows fit the memory budget: the first layer's output, its gradient and the trunk's tape."""
        d = self.config.hidden_dim
        row_bytes = 2 * d * self._dtype.itemsize + tape_bytes(1, d, self.config.blocks, self._dtype)
        return max((self.generation.memory_mb << 20) // row_bytes, 1)

    def _make_plan(self, target: TargetModel) -> FirstLayerPlan | None:
        if self.generation.first_layer == "reference" or not isinstance(self.index_encoding, GaussianFourier):
            return None
        if self._planes is None or self._planes.key != (self._device, self._dtype):
            self._planes = PlaneCache(self._dtype, self._device)
        return FirstLayerPlan(
            [placed.grid for placed in target.placed_components],
            self.index_normalizer,
            self.index_encoding,
            route=self.generation.first_layer,
            tolerance=self.generation.tolerance,
            cache_bytes=self.generation.cache_mb << 20,
            planes=self._planes,
            dtype=self._dtype,
            device=self._device,
        )


@dataclass(frozen=True)
class _Prepared:
    """What a generator keeps about one target, and for which device and dtype; groups are the plan's operators.

    Shapes:
        index_rows (N, 10) float64 where there is no plan, structure_features (L, 2 F_s) or None
    """

    key: tuple[torch.device, torch.dtype]
    index_rows: Tensor | None
    plan: FirstLayerPlan | None
    groups: list[list[FeatureOperator]]
    structure_features: Tensor | None
