"""GAT targets for node classification (paper, Table 1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from uhn.descriptors.index import IndexField
from uhn.descriptors.normalization import Ranges, make_ranges
from uhn.descriptors.structure import GlobalDescriptor
from uhn.descriptors.vocabulary import ActivationType, DatasetType, HeadConcat, LayerType, ModelType, TaskType
from uhn.layers.activation import ELU
from uhn.layers.gat import GATLayer
from uhn.models.base import TargetModel


@dataclass(frozen=True)
class GATConfig:
    """A two-layer GAT for one graph.

    Args:
        dataset: the graph's id.
        in_features: feature width.
        classes: outputs.
        hidden_features: width of one hidden head.
        hidden_heads: concatenated heads of the hidden layer.
        out_heads: averaged heads of the output layer.
        dropout: rate on the input and the attention coefficients of both layers.
    """

    dataset: DatasetType
    in_features: int
    classes: int
    hidden_features: int = 8
    hidden_heads: int = 8
    out_heads: int = 1
    dropout: float = 0.6

    def reduced(self, width_divisor: int, depth_divisor: int) -> GATConfig:
        """Return a configuration of narrower heads; the depth stays."""
        return replace(self, hidden_features=max(self.hidden_features // width_divisor, 1))

    def fitted(self, features: int, classes: int) -> GATConfig:
        """Return the configuration for a graph of another size."""
        return replace(self, in_features=features, classes=classes)


class GAT(TargetModel):
    """A layer of concatenated heads, ELU, and a layer of averaged heads.

    Shapes:
        features (nodes, in), edge_index (2, edges) source over target -> logits (nodes, classes)
    """

    def __init__(self, name: str, config: GATConfig) -> None:
        super().__init__(name, config)
        self.hidden = GATLayer(
            config.in_features,
            config.hidden_features,
            config.hidden_heads,
            HeadConcat.CONCATENATE,
            dropout=config.dropout,
        )
        self.readout = GATLayer(
            config.hidden_features * config.hidden_heads,
            config.classes,
            config.out_heads,
            HeadConcat.AVERAGE,
            activation=ELU,
            dropout=config.dropout,
        )

    @property
    def global_descriptor(self) -> GlobalDescriptor:
        return GlobalDescriptor(
            model_type=ModelType.GAT,
            task_type=TaskType.NODE_CLASSIFICATION,
            dataset_type=self.config.dataset,
            num_layers=2,
        )

    def ranges(self) -> Ranges:
        """Return the ranges of this one configuration (GAT row of the range rules; output sizes per head)."""
        config = self.config
        concatenated = config.hidden_features * config.hidden_heads
        inputs = (config.in_features, concatenated)
        outputs = (config.hidden_features, config.classes)
        heads = (config.hidden_heads, config.out_heads)
        return make_ranges(
            vars(self.global_descriptor),
            layer_types=(LayerType.GAT, LayerType.GAT),
            param_type=3,
            outputs=(min(outputs), max(outputs)),
            inputs=(min(inputs), max(inputs)),
            layer={
                "norm_type": (0, 1),
                "activation_type": (0, max(ActivationType)),
                "activation_param": (0, ELU.param),
                "dropout_rate": (0, config.dropout),
                "num_heads": (min(heads), max(heads)),
                "head_concat_type": (0, max(HeadConcat)),
            },
            index={IndexField.OUT_IDX: (0, max(concatenated, config.classes * config.out_heads) - 1)},
        )

    def forward(self, features: Tensor, edge_index: Tensor) -> Tensor:
        return self.readout(self.hidden(features, edge_index), edge_index)
