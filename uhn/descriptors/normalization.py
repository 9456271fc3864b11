"""Ranges of the descriptor columns and their normalisation (paper, Section 3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn

from uhn.descriptors.index import INACTIVE, NUM_INDEX_FIELDS, IndexField
from uhn.descriptors.structure import NUM_STRUCTURE_FIELDS, GlobalDescriptor, LayerDescriptor
from uhn.errors import UserError

EPSILON = 1e-5


@dataclass(frozen=True)
class Ranges:
    """Lowest and highest value of every column that the queries of a setting can have.

    Args:
        index_min, index_max: 10 numbers each.
        structure_min, structure_max: 29 numbers each (8 global, then 21 local).
    """

    index_min: tuple[float, ...]
    index_max: tuple[float, ...]
    structure_min: tuple[float, ...]
    structure_max: tuple[float, ...]


Bounds = tuple[float, float]


def make_ranges(
    model: Mapping[str, float | Bounds],
    *,
    layer_types: tuple[int, int],
    param_type: int,
    outputs: Bounds,
    inputs: Bounds,
    layer: Mapping[str, float | Bounds],
    index: Mapping[IndexField, Bounds] = MappingProxyType({}),
) -> Ranges:
    """Build ranges from what a setting spans; other index columns are [-1, -1], other structure columns [0, 0].

    Layer indices follow from the number of layers, out and in indices from the widths.

    Args:
        model: bounds by field name of :class:`GlobalDescriptor`; a number stands for itself.
        layer_types: lowest and highest layer type.
        param_type: highest parameter type.
        outputs, inputs: lowest and highest width.
        layer: bounds of other fields by name of :class:`LayerDescriptor`.
        index: bounds of other index fields, or of indices that do not follow from the widths.
    """
    model = {name: bounds if isinstance(bounds, tuple) else (bounds, bounds) for name, bounds in model.items()}
    shared = {"layer_idx": (0, model["num_layers"][1] - 1), "layer_type": layer_types}
    layer = shared | {"bias_type": (0, 1), "output_size": outputs, "input_size": inputs} | dict(layer)
    index = {
        IndexField.LAYER_IDX: shared["layer_idx"],
        IndexField.LAYER_TYPE: layer_types,
        IndexField.PARAM_TYPE: (0, param_type),
        IndexField.OUT_IDX: (0, outputs[1] - 1),
        IndexField.IN_IDX: (-1, inputs[1] - 1),
        **index,
    }
    index_bounds = [index.get(IndexField(i), (INACTIVE, INACTIVE)) for i in range(NUM_INDEX_FIELDS)]
    structure_bounds = [model.get(name, (0, 0)) for name in GlobalDescriptor.__dataclass_fields__]
    structure_bounds += [layer.get(name, (0, 0)) for name in LayerDescriptor.__dataclass_fields__]
    index_min, index_max = zip(*index_bounds, strict=True)
    structure_min, structure_max = zip(*structure_bounds, strict=True)
    return Ranges(*(tuple(map(float, v)) for v in (index_min, index_max, structure_min, structure_max)))


def union(ranges: Iterable[Ranges]) -> Ranges:
    """Return the column-wise smallest minimum and largest maximum (multi-task and recursive settings)."""
    items = list(ranges)
    columns = {name: np.array([getattr(r, name) for r in items], dtype=np.float64) for name in vars(items[0])}
    return Ranges(
        **{name: tuple((np.min if name.endswith("min") else np.max)(c, axis=0).tolist()) for name, c in columns.items()}
    )


class Normalizer(nn.Module):
    r"""Scale descriptor columns to zero mean and unit variance under a uniform distribution over their range.

    .. math:: z_c = (x_c - mid_c) / \sqrt{var_c + 10^{-5}},\quad var_c = (hi_c - lo_c)^2 / 12

    Rows, ``mid`` and ``var`` are float32 values, as in the release; the arithmetic runs in float64.

    Args:
        lowest, highest: bounds of the columns, m numbers each.

    Shapes:
        input (rows, m) -> output (rows, m), float64
    """

    def __init__(self, lowest: Iterable[float], highest: Iterable[float]) -> None:
        super().__init__()
        low = torch.tensor(list(lowest), dtype=torch.float32, device="cpu")
        high = torch.tensor(list(highest), dtype=torch.float32, device="cpu")
        self.register_buffer("mid", (low + high) / 2)
        self.register_buffer("var", (high - low) ** 2 / 12)

    def forward(self, rows: Tensor) -> Tensor:
        return (rows.float().double() - self.mid.double()) / torch.sqrt(self.var.double() + EPSILON)

    def extra_repr(self) -> str:
        return f"columns={self.mid.numel()}"


def check_covered(rows: np.ndarray, lowest: Iterable[float], highest: Iterable[float], names: list[str]) -> None:
    """Refuse descriptor rows outside their ranges: outside a zero-width range they would be scaled by 316.

    Raises:
        UserError: naming the first column that leaves its range.
    """
    bounds = zip(names, rows.min(axis=0), rows.max(axis=0), lowest, highest, strict=True)
    for name, found_low, found_high, low, high in bounds:
        if found_low < low or found_high > high:
            raise UserError(
                f"descriptor column {name}: expected values in [{low:g}, {high:g}], got [{found_low:g}, "
                f"{found_high:g}]; build the generator with ranges that cover this target model"
            )


INDEX_COLUMN_NAMES = [field.name.lower() for field in IndexField]
STRUCTURE_COLUMN_NAMES = [*GlobalDescriptor.__dataclass_fields__, *LayerDescriptor.__dataclass_fields__]
assert len(STRUCTURE_COLUMN_NAMES) == NUM_STRUCTURE_FIELDS
