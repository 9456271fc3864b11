"""KAN targets for formula regression (paper, Table 11)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from torch import Tensor, nn

from uhn.descriptors.index import IndexField
from uhn.descriptors.normalization import Ranges, make_ranges
from uhn.descriptors.structure import GlobalDescriptor
from uhn.descriptors.vocabulary import ActivationType, DatasetType, LayerType, ModelType, TaskType
from uhn.layers.activation import IDENTITY, SILU
from uhn.layers.kan import KANLayer
from uhn.models.base import TargetModel, narrowed


@dataclass(frozen=True)
class KANConfig:
    """A KAN for one formula.

    Args:
        dataset: the formula's id.
        sizes: input width, hidden widths, output width.
        grid_size: grid intervals g.
        spline_order: order of the splines.
    """

    dataset: DatasetType
    sizes: tuple[int, ...] = (2, 5, 1)
    grid_size: int = 5
    spline_order: int = 3

    def reduced(self, width_divisor: int, depth_divisor: int) -> KANConfig:
        """Return a narrower configuration; the depth stays."""
        return replace(self, sizes=narrowed(self.sizes, width_divisor))


class KAN(TargetModel):
    """KAN layers in sequence; the first has an identity base activation, the others SiLU.

    Shapes:
        input (batch, sizes[0]) -> output (batch, sizes[-1])
    """

    def __init__(self, name: str, config: KANConfig) -> None:
        super().__init__(name, config)
        self.blocks = nn.ModuleList(
            KANLayer(
                in_features,
                out_features,
                grid_size=config.grid_size,
                spline_order=config.spline_order,
                activation=IDENTITY if position == 0 else SILU,
            )
            for position, (in_features, out_features) in enumerate(pairwise(config.sizes))
        )

    @property
    def global_descriptor(self) -> GlobalDescriptor:
        return GlobalDescriptor(
            model_type=ModelType.KAN,
            task_type=TaskType.FORMULA_REGRESSION,
            dataset_type=self.config.dataset,
            num_layers=len(self.blocks),
        )

    def ranges(self) -> Ranges:
        """Return the ranges of this one configuration (KAN row of the range rules)."""
        config = self.config
        inputs, outputs = config.sizes[:-1], config.sizes[1:]
        num_knots = config.grid_size + 2 * config.spline_order + 1
        return make_ranges(
            vars(self.global_descriptor),
            layer_types=(LayerType.KAN, LayerType.KAN),
            param_type=6,
            outputs=(min(outputs), max(outputs)),
            inputs=(min(inputs), max(inputs)),
            layer={
                "activation_type": (0, ActivationType.SILU),
                "grid_size": (config.grid_size, config.grid_size),
                "spline_order": (config.spline_order, config.spline_order),
            },
            index={IndexField.OUT_IDX: (-1, max(outputs) - 1), IndexField.GRID_IDX: (-1, num_knots - 1)},
        )

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x
