"""What is known of the modules of PyTorch and PyG: a table from classes to the roles of their tensors.

Layer types 0 to 6 and their param types are the paper's (Table 6). Everything else is an extension.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from uhn.adapted.roles import WHOLE, Role
from uhn.descriptors.vocabulary import HeadConcat, LayerType


@dataclass(frozen=True)
class Kind:
    """What is known of a class of modules.

    Args:
        layer_type: type of its layers.
        tensors: roles by parameter name, which may be a child's. ``{}`` stands for the names of `levels`.
        structure: fields of the structure row that the tensors' shapes do not tell, by attribute or computed.
        levels: what makes several layers of one module, for instance ``_l1_reverse``.
    """

    layer_type: LayerType
    tensors: Mapping[str, Role]
    structure: Mapping[str, str | Callable[[Any], float]] = field(default_factory=dict)
    levels: Callable[[Any], Sequence[str]] = lambda module: ("",)


def _affine(weight: str, start: str | None = None) -> dict[str, Role]:
    return {"weight": Role(weight, 0, start=start), "bias": Role("out", 1, start=start)}


def _convolution(layer_type: LayerType, weight: str, start: str | None = None) -> Kind:
    return Kind(layer_type, _affine(weight, start), {"output_size": "out_channels", "input_size": "in_channels"})


def _norm(**structure: str) -> Kind:
    return Kind(LayerType.NORM, _affine("out"), {"norm_type": lambda module: 1, **structure})


def _recurrent(layer_type: LayerType, gates: int, levels: Callable[[Any], Sequence[str]]) -> Kind:
    tensors = {
        name: Role(axes, position * gates, slices=gates)
        for position, (name, axes) in enumerate(
            {"weight_ih{}": "out in", "weight_hh{}": "out in", "bias_ih{}": "out", "bias_hh{}": "out"}.items()
        )
    }
    tensors["weight_hr{}"] = Role("out in", 4 * gates)
    return Kind(layer_type, tensors, {"dropout_rate": "dropout"}, levels)


def _levels(module: nn.RNNBase) -> list[str]:
    directions = ("", "_reverse") if module.bidirectional else ("",)
    return [f"_l{level}{direction}" for level in range(module.num_layers) for direction in directions]


def _one_level(module: nn.Module) -> Sequence[str]:
    return ("",)


_EMBEDDING = Kind(LayerType.EMBEDDING, {"weight": Role("embedding out", 0, start="normal")})

# Optional packages are named, not imported.
KINDS: dict[type[nn.Module] | str, Kind] = {
    nn.Linear: Kind(LayerType.LINEAR, _affine("out in", "uniform")),
    "torch_geometric.nn.dense.linear.Linear": Kind(LayerType.LINEAR, _affine("out in")),
    # GPT-2's linear layer has its weight transposed.
    "transformers.pytorch_utils.Conv1D": Kind(LayerType.LINEAR, _affine("in out")),
    nn.Conv2d: _convolution(LayerType.CONV2D, "out in kh kw", "uniform"),
    nn.Conv1d: _convolution(LayerType.CONV1D, "out in kw"),
    nn.Conv3d: _convolution(LayerType.CONV3D, "out in grid kh kw"),
    nn.ConvTranspose1d: _convolution(LayerType.CONV_TRANSPOSE, "in out kw"),
    nn.ConvTranspose2d: _convolution(LayerType.CONV_TRANSPOSE, "in out kh kw"),
    nn.ConvTranspose3d: _convolution(LayerType.CONV_TRANSPOSE, "in out grid kh kw"),
    nn.Bilinear: Kind(LayerType.BILINEAR, _affine("out in grid")),
    nn.Embedding: _EMBEDDING,
    nn.EmbeddingBag: _EMBEDDING,
    nn.MultiheadAttention: Kind(
        LayerType.ATTENTION,
        {
            "in_proj_weight": Role("out in", 0, slices=3, start="glorot"),
            "q_proj_weight": Role("out in", 0, start="glorot"),
            "k_proj_weight": Role("out in", 1, start="glorot"),
            "v_proj_weight": Role("out in", 2, start="glorot"),
            "in_proj_bias": Role("out", 3, slices=3, start="zero"),
            "out_proj.weight": Role("out in", 6, start="uniform"),
            "out_proj.bias": Role("out", 7, start="zero"),
            "bias_k": Role(WHOLE, 8),
            "bias_v": Role(WHOLE, 9),
        },
        {"num_heads": "num_heads", "dropout_rate": "dropout"},
    ),
    "torch_geometric.nn.conv.gcn_conv.GCNConv": Kind(
        LayerType.GCN, {"lin.weight": Role("out in", 0, start="glorot"), "bias": Role("out", 1, start="zero")}
    ),
    "torch_geometric.nn.conv.gat_conv.GATConv": Kind(
        LayerType.GAT,
        {
            "lin.weight": Role("out in", 0, start="glorot"),
            "bias": Role("out", 1, start="zero"),
            "att_src": Role(WHOLE, 2, start="glorot"),
            "att_dst": Role(WHOLE, 3, start="glorot"),
        },
        {
            "output_size": "out_channels",
            "num_heads": "heads",
            "head_concat_type": lambda module: HeadConcat.CONCATENATE if module.concat else HeadConcat.AVERAGE,
            "dropout_rate": "dropout",
        },
    ),
    nn.RNN: _recurrent(LayerType.RNN, 1, _levels),
    nn.LSTM: _recurrent(LayerType.LSTM, 4, _levels),
    nn.GRU: _recurrent(LayerType.GRU, 3, _levels),
    nn.RNNCell: _recurrent(LayerType.RNN, 1, _one_level),
    nn.LSTMCell: _recurrent(LayerType.LSTM, 4, _one_level),
    nn.GRUCell: _recurrent(LayerType.GRU, 3, _one_level),
    nn.modules.batchnorm._NormBase: _norm(),  # batch and instance norms
    nn.GroupNorm: _norm(group_num="num_groups"),
    nn.LayerNorm: _norm(),
    nn.RMSNorm: _norm(),
}
GENERIC = Kind(LayerType.GENERIC, {})


def kind_of(module: nn.Module) -> Kind:
    """Return what is known of a module: of its class, or of the nearest class that it inherits from."""
    for cls in type(module).__mro__:
        kind = KINDS.get(cls) or KINDS.get(f"{cls.__module__}.{cls.__qualname__}")
        if kind is not None:
            return kind
    return GENERIC
