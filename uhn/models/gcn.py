"""GCN targets for node classification (paper, Table 1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from torch import Tensor, nn

from uhn.descriptors.normalization import Ranges, make_ranges
from uhn.descriptors.structure import GlobalDescriptor
from uhn.descriptors.vocabulary import ActivationType, DatasetType, LayerType, ModelType, TaskType
from uhn.layers.activation import IDENTITY, LEAKY_RELU
from uhn.layers.gcn import GCNLayer
from uhn.models.base import TargetModel, narrowed


@dataclass(frozen=True)
class GCNConfig:
    """A GCN for one graph.

    Args:
        dataset: the graph's id.
        sizes: feature width, hidden widths, classes.
        dropout: rate on the input of every layer.
    """

    dataset: DatasetType
    sizes: tuple[int, ...]
    dropout: float = 0.5

    def reduced(self, width_divisor: int, depth_divisor: int) -> GCNConfig:
        """Return a narrower configuration; the depth stays."""
        return replace(self, sizes=narrowed(self.sizes, width_divisor))

    def fitted(self, features: int, classes: int) -> GCNConfig:
        """Return the configuration for a graph of another size."""
        return replace(self, sizes=(features, *self.sizes[1:-1], classes))


class GCN(TargetModel):
    """Graph convolutions in sequence; all but the first have LeakyReLU before them.

    Shapes:
        features (nodes, sizes[0]), edge_index (2, edges) source over target -> logits (nodes, classes)
    """

    def __init__(self, name: str, config: GCNConfig) -> None:
        super().__init__(name, config)
        self.blocks = nn.ModuleList(
            GCNLayer(
                in_features,
                out_features,
                activation=IDENTITY if position == 0 else LEAKY_RELU,
                dropout=config.dropout,
            )
            for position, (in_features, out_features) in enumerate(pairwise(config.sizes))
        )

    @property
    def global_descriptor(self) -> GlobalDescriptor:
        return GlobalDescriptor(
            model_type=ModelType.GCN,
            task_type=TaskType.NODE_CLASSIFICATION,
            dataset_type=self.config.dataset,
            num_layers=len(self.blocks),
        )

    def ranges(self) -> Ranges:
        """Return the ranges of this one configuration (GCN row of the range rules)."""
        inputs, outputs = self.config.sizes[:-1], self.config.sizes[1:]
        return make_ranges(
            vars(self.global_descriptor),
            layer_types=(LayerType.GCN, LayerType.GCN),
            param_type=1,
            outputs=(min(outputs), max(outputs)),
            inputs=(min(inputs), max(inputs)),
            layer={
                "norm_type": (0, 1),
                "activation_type": (0, max(ActivationType)),
                "activation_param": (0, LEAKY_RELU.param),
                "dropout_rate": (0, self.config.dropout),
            },
        )

    def forward(self, features: Tensor, edge_index: Tensor) -> Tensor:
        x = features
        for block in self.blocks:
            x = block(x, edge_index)
        return x
