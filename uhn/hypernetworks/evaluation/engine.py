"""From a target to its scalars: what is kept about targets, and how long."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.descriptors.normalization import (
    INDEX_COLUMN_NAMES,
    STRUCTURE_COLUMN_NAMES,
    Normalizer,
    Ranges,
    check_covered,
)
from uhn.hypernetworks.encodings import GaussianFourier, exact_features
from uhn.hypernetworks.evaluation.fused_trunk import tape_bytes
from uhn.hypernetworks.evaluation.network import Network
from uhn.hypernetworks.evaluation.plan import FirstLayerPlan
from uhn.hypernetworks.evaluation.policy import feature_dtype, kept_bytes
from uhn.hypernetworks.evaluation.queries import PlannedQueries, TableQueries
from uhn.hypernetworks.evaluation.restriction import restrict
from uhn.hypernetworks.evaluation.shared import SharedTables
from uhn.models.base import TargetModel

Encoder = tuple[Normalizer, nn.Module]


@dataclass(frozen=True)
class PreparedTarget:
    """What training does not change about one target.

    Args:
        arithmetic: types and device it was computed for.
        queries: all scalars of the target.
        plan: how its first layer is evaluated; None where features come from the index table.
        structure_features: encoded structure tokens; None without a task-structure encoder.

    Shapes:
        structure_features (L, 2 F_s)
    """

    arithmetic: Hashable
    queries: TableQueries | PlannedQueries
    plan: FirstLayerPlan | None
    structure_features: Tensor | None


class Engine:
    """Generates scalars of targets from the encodings of one UHN and any network behind them.

    Per target it caches what training never changes: features, transforms, row order. The first targets that fit
    ``GenerationConfig.kept_mb`` stay cached while they live. For the others only the tables that targets share are
    cached, and the rest is assembled in every step. On a GPU, switching autocast on or off discards the cache.

    Under autocast, products are rounded as anywhere else. Phases are not, and the generated scalars have the type of
    the generator.

    Args:
        config: sizes of the UHN.
        generation: how to evaluate it.
        ranges: bounds of the descriptors.
        index: normaliser and encoding of the index descriptors; their type and device are the generator's.
        structure: the same for structure tokens; None without a task-structure encoder.
    """

    def __init__(
        self,
        config: UHNConfig,
        generation: GenerationConfig,
        ranges: Ranges,
        index: Encoder,
        structure: Encoder | None,
    ) -> None:
        self.config, self.generation, self.ranges = config, generation, ranges
        self.index, self.structure = index, structure
        self._prepared: WeakKeyDictionary[TargetModel, PreparedTarget] = WeakKeyDictionary()
        self._shared: tuple[Hashable, SharedTables] | None = None

    def scalars(self, target: TargetModel, network: Network, rows: Mapping[str, Tensor] | None = None) -> Tensor:
        """Generate all scalars of a target in flattening order.

        Args:
            target: the model.
            network: stands behind the encodings.
            rows: see `uhn.hypernetworks.generator.Generator.forward`.

        Shapes:
            -> (N,)

        Raises:
            UserError: a descriptor of the target is outside the ranges.
            ValueError: ``rows`` of unknown names, or indices that are not as described.
        """
        prepared = self.prepare(target)
        conditioning = None
        if prepared.structure_features is not None:
            conditioning = network.structure_encoder(prepared.structure_features)
        if not rows:
            return prepared.queries.scalars(network, conditioning)
        restriction = restrict(target, rows, self.device)
        scalars = prepared.queries.restricted(restriction).scalars(network, conditioning)
        return scalars.new_zeros(target.num_params).index_copy(0, restriction.scalars, scalars)

    def forget_targets(self) -> None:
        """Drop what is cached."""
        self._prepared.clear()
        self._shared = None

    def prepare(self, target: TargetModel) -> PreparedTarget:
        """Look up, or compute, what training does not change about a target."""
        prepared = self._prepared.get(target)
        if prepared is None or prepared.arithmetic != self._arithmetic:
            self._prepared.pop(target, None)
            prepared = self._compute(target)
            cached_bytes = sum(other.queries.nbytes for other in self._prepared.values())
            # A single target is cached whatever its size, since every step asks for it.
            if not cached_bytes or cached_bytes + prepared.queries.nbytes <= self._budget():
                self._prepared[target] = prepared
        return prepared

    @property
    def device(self) -> torch.device:
        """Device of the generator."""
        return self.index[0].mid.device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the generator."""
        return self.index[0].mid.dtype

    @property
    def _arithmetic(self) -> tuple[torch.dtype, torch.device, torch.dtype]:
        """Type and device of the generator, and type of the features."""
        autocast = torch.is_autocast_enabled(self.device.type)
        features = feature_dtype(self.device.type, self.dtype, self.generation.first_layer, autocast)
        return self.dtype, self.device, features

    def _budget(self) -> int:
        gpu_bytes = torch.cuda.mem_get_info(self.device)[1] if self.device.type == "cuda" else None
        return kept_bytes(self.generation.kept_mb, gpu_bytes)

    def _compute(self, target: TargetModel) -> PreparedTarget:
        grids = [placed.grid for placed in target.placed_components]
        corners = np.concatenate(
            [grid.materialise(i, i + 1) for grid in grids if len(grid) for i in (0, len(grid) - 1)]
        )
        check_covered(corners, self.ranges.index_min, self.ranges.index_max, INDEX_COLUMN_NAMES)
        structure_features = self._encode_structure(target)
        if self.generation.first_layer == "reference" or not isinstance(self.index[1], GaussianFourier):
            index_rows = torch.as_tensor(target.index_table(), device=self.device)
            queries = TableQueries(index_rows, partial(exact_features, *self.index, dtype=self.dtype))
            return PreparedTarget(self._arithmetic, queries, None, structure_features)
        plan = FirstLayerPlan(grids, self._shared_tables(), self.generation.cache_mb << 20)
        queries = PlannedQueries(plan, self._rows_at_once(), self.generation.bf16_products)
        return PreparedTarget(self._arithmetic, queries, plan, structure_features)

    def _encode_structure(self, target: TargetModel) -> Tensor | None:
        if self.structure is None:
            return None
        tokens = target.structure_tokens()
        check_covered(tokens, self.ranges.structure_min, self.ranges.structure_max, STRUCTURE_COLUMN_NAMES)
        return exact_features(*self.structure, torch.as_tensor(tokens, device=self.device), dtype=self.dtype)

    def _shared_tables(self) -> SharedTables:
        """Return the tables that all targets share, new ones where the arithmetic has changed."""
        if self._shared is None or self._shared[0] != self._arithmetic:
            dtype, device, features = self._arithmetic
            tables = SharedTables(
                *self.index,
                dtype=dtype,
                device=device,
                feature_dtype=features,
                route=self.generation.first_layer,
                tolerance=self.generation.tolerance,
            )
            self._shared = self._arithmetic, tables
        return self._shared[1]

    def _rows_at_once(self) -> int:
        """Return how many rows fit the memory budget: the first layer's output, its gradient and the trunk's tape."""
        d = self.config.hidden_dim
        row_bytes = 2 * d * self.dtype.itemsize + tape_bytes(1, d, self.config.blocks, self.dtype)
        return max((self.generation.memory_mb << 20) // row_bytes, 1)
