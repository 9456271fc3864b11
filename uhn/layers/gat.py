"""Graph attention (Velickovic et al. 2018; paper, Table 8); PyG's GATConv attends and propagates."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import GATConv
from torch_geometric.utils import add_self_loops, remove_self_loops

from uhn.descriptors.index import IndexField
from uhn.descriptors.vocabulary import HeadConcat, InitializationType, LayerType
from uhn.layers.activation import IDENTITY, Activation
from uhn.layers.base import Component, GeneratedLayer
from uhn.layers.functional import Activations, dropout, linear
from uhn.layers.graph import check_edges, once_per_graph
from uhn.layers.initialization import ZERO_TARGET, draw_glorot, glorot_target


@once_per_graph
def _with_self_loops(edge_index: Tensor, nodes: int) -> Tensor:
    """Give every node one self-loop. Shape (2, edges)."""
    loop_free, _ = remove_self_loops(edge_index)
    return add_self_loops(loop_free, num_nodes=nodes)[0]


class GATLayer(GeneratedLayer):
    """Activate, normalise, drop out, map to heads, attend over incoming edges and self-loops, join heads, add bias.

    The score of an edge is LeakyReLU(0.2) of the source's and the target's attention terms; dropout at the
    same rate also acts on the softmax over the edges of one target.

    Deviation: the paper does not state how direct training initialises its models. Weight, attention and
    bias start from PyG's default (Glorot, Glorot, zero), whose statistics are the initialisation targets.

    Args:
        in_features: incoming width, all heads together.
        out_features: width of one head.
        heads: attention heads.
        concat: concatenate the heads or average them.
        bias: whether there is a bias; switched off, it keeps its slot with length 0.
        activation: applied before the norm.
        norm: LayerNorm of the activated input, without parameters.
        dropout: rate on the input of the map and on the attention coefficients.
        initialization: default or zero.

    Shapes:
        input (nodes, in), edge_index (2, edges) source over target -> (nodes, heads * out) or (nodes, out)
    """

    layer_type = LayerType.GAT

    def __init__(
        self,
        in_features: int,
        out_features: int,
        heads: int,
        concat: HeadConcat,
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
        self.heads = heads
        self.concat = concat
        self.activation = activation
        self.norm = norm
        self.dropout = dropout
        self.initialization = initialization
        self.weight = nn.Parameter(torch.empty(heads * out_features, in_features))
        bias_size = heads * out_features if concat is HeadConcat.CONCATENATE else out_features
        self.bias = nn.Parameter(torch.empty(bias_size if bias else 0))
        self.att_src = nn.Parameter(torch.empty(1, heads, out_features))
        self.att_dst = nn.Parameter(torch.empty(1, heads, out_features))
        # Edge softmax and propagation alone: the parameters are this layer's.
        self.propagation = GATConv(1, out_features, heads, dropout=dropout, bias=False)
        self.propagation.lin = None
        del self.propagation.att_src, self.propagation.att_dst
        self.reset_parameters()

    def draw_parameters(self) -> None:
        """Draw weight and attention; the bias starts at zero."""
        draw_glorot(self.weight, self.in_features, self.heads * self.out_features)
        draw_glorot(self.att_src, self.heads, self.out_features)
        draw_glorot(self.att_dst, self.heads, self.out_features)

    def components(self) -> tuple[Component, ...]:
        """Return weight, bias, source attention and target attention; heads lie along the output index."""
        out_idx, attention = (IndexField.OUT_IDX,), glorot_target(self.heads, self.out_features)
        weight = glorot_target(self.in_features, self.heads * self.out_features)
        return self.number_components(
            ("weight", (IndexField.OUT_IDX, IndexField.IN_IDX), weight),
            ("bias", out_idx, ZERO_TARGET),
            ("att_src", out_idx, attention),
            ("att_dst", out_idx, attention),
        )

    def structure(self) -> dict[str, int]:
        """Return sizes and heads; the output size is that of one head."""
        return {
            "output_size": self.out_features,
            "input_size": self.in_features,
            "num_heads": self.heads,
            "head_concat_type": self.concat,
        }

    def forward(self, x: Activations, edge_index: Tensor) -> Tensor:
        check_edges(edge_index)
        hidden = dropout(self.activated(x), self.dropout, self.training)
        # Autocast would run the edge softmax in half precision: propagate in the input's dtype.
        y = linear(hidden, self.weight).to(x.dtype)
        y = y.view(-1, self.heads, self.out_features)  # (nodes, heads, out)
        scores = ((y * self.att_src).sum(-1), (y * self.att_dst).sum(-1))  # (nodes, heads) each
        edges = _with_self_loops(edge_index, len(x))
        coefficients = self.propagation.edge_updater(edges, alpha=scores, edge_attr=None)  # (edges, heads)
        y = self.propagation.propagate(edges, x=(y, y), alpha=coefficients)  # (nodes, heads, out)
        y = y.flatten(1) if self.concat is HeadConcat.CONCATENATE else y.mean(dim=1)  # (nodes, heads * out) or out
        return y + self.bias if self.bias.numel() else y
