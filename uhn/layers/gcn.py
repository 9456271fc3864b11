"""Graph convolution (Kipf and Welling 2017; paper, Table 8); PyG's GCNConv propagates."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from uhn.descriptors.index import IndexField
from uhn.descriptors.vocabulary import InitializationType, LayerType
from uhn.layers.activation import IDENTITY, Activation
from uhn.layers.base import Component, GeneratedLayer
from uhn.layers.functional import Activations, dropout, linear
from uhn.layers.graph import check_edges, once_per_graph
from uhn.layers.initialization import ZERO_TARGET, draw_glorot, glorot_target


@once_per_graph
def _normalised(edge_index: Tensor, nodes: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Add self-loops and divide by the degrees (Kipf and Welling, 2017). Shapes: -> (2, edges), (edges,)."""
    return gcn_norm(edge_index, num_nodes=nodes, dtype=dtype)


class GCNLayer(GeneratedLayer):
    """Activate, normalise, drop out, map, average over the neighbourhood with self-loops, add the bias.

    Deviation: the paper does not state how direct training initialises its models. Weight and bias start
    from PyG's default (Glorot, zero), whose statistics are the initialisation targets.

    Args:
        in_features, out_features: widths.
        bias: whether there is a bias; switched off, it keeps its slot with length 0.
        activation: applied before the norm.
        norm: LayerNorm of the activated input, without parameters.
        dropout: rate on the input of the map.
        initialization: default or zero.

    Shapes:
        input (nodes, in), edge_index (2, edges) source over target -> (nodes, out)
    """

    layer_type = LayerType.GCN

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        bias: bool = True,
        activation: Activation = IDENTITY,
        norm: bool = False,
        dropout: float = 0.0,
        initialization: InitializationType = InitializationType.DEFAULT,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.activation = activation
        self.norm = norm
        self.dropout = dropout
        self.initialization = initialization
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features if bias else 0))
        # Propagation alone: the normalisation is made once a graph, the map and the bias are this layer's.
        self.propagation = GCNConv(1, 1, bias=False, normalize=False)
        self.propagation.lin = None
        self.reset_parameters()

    def draw_parameters(self) -> None:
        """Draw the weight; the bias starts at zero."""
        draw_glorot(self.weight, self.in_features, self.out_features)

    def components(self) -> tuple[Component, ...]:
        """Return weight and bias."""
        glorot = glorot_target(self.in_features, self.out_features)
        return self.number_components(
            ("weight", (IndexField.OUT_IDX, IndexField.IN_IDX), glorot), ("bias", (IndexField.OUT_IDX,), ZERO_TARGET)
        )

    def structure(self) -> dict[str, int]:
        """Return the sizes."""
        return {"output_size": self.out_features, "input_size": self.in_features}

    def forward(self, x: Activations, edge_index: Tensor) -> Tensor:
        check_edges(edge_index)
        hidden = dropout(self.activated(x), self.dropout, self.training)
        # Autocast would count degrees in half precision: propagate in the input's dtype.
        y = linear(hidden, self.weight).to(x.dtype)
        edges, weights = _normalised(edge_index, len(y), y.dtype)
        y = self.propagation.propagate(edges, x=y, edge_weight=weights)
        return y + self.bias if self.bias.numel() else y
