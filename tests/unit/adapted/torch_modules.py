"""One small instance of every class of torch.nn that has parameters, with inputs that reach all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Case:
    """How to build a module and to call it.

    Args:
        build: returns the module.
        inputs: returns its arguments.
        without_gradient: parts of components on which no output depends.
    """

    build: Callable[[], nn.Module]
    inputs: Callable[[], tuple[Any, ...]]
    without_gradient: tuple[str, ...] = ()


def _case(cls: type[nn.Module], arguments: tuple[Any, ...], *shapes: tuple[int, ...], **keywords: Any) -> Case:
    without_gradient = keywords.pop("without_gradient", ())
    return Case(
        lambda: cls(*arguments, **keywords), lambda: tuple(torch.randn(shape) for shape in shapes), without_gradient
    )


def _sized(first: Callable[[], Any], *others: Callable[[], Any]) -> Callable[[], tuple[Any, ...]]:
    return lambda: tuple(make() for make in (first, *others))


# Softmax over the keys cancels what is the same for all of them.
KEY_BIAS = "in_proj_bias[4:8]"
_ENCODER = {"dim_feedforward": 5, "dropout": 0.0, "activation": nn.functional.gelu, "batch_first": True}


def _encoder_layer() -> nn.Module:
    return nn.TransformerEncoderLayer(4, 2, **_ENCODER)


def _decoder_layer() -> nn.Module:
    return nn.TransformerDecoderLayer(4, 2, **_ENCODER)


class Parameters(nn.Module):
    """Parameters in containers, multiplied by the input."""

    def __init__(self, container: nn.Module) -> None:
        super().__init__()
        self.held = container

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values = self.held.values() if isinstance(self.held, nn.ParameterDict) else self.held
        return sum((x * value).sum() for value in values)


def _containers() -> dict[str, Case]:
    values = {"a": nn.Parameter(torch.randn(3)), "b": nn.Parameter(torch.randn(2, 3))}
    return {
        "ParameterList": Case(lambda: Parameters(nn.ParameterList(values.values())), lambda: (torch.randn(3),)),
        "ParameterDict": Case(lambda: Parameters(nn.ParameterDict(values)), lambda: (torch.randn(3),)),
        "ModuleList": Case(
            lambda: _Chain(nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 2)])), lambda: (torch.randn(4, 3),)
        ),
        "ModuleDict": Case(lambda: _Chain(nn.ModuleDict({"a": nn.Linear(3, 3)})), lambda: (torch.randn(4, 3),)),
        "Sequential": _case(nn.Sequential, (nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2)), (4, 3)),
        "Module": Case(lambda: _Chain(nn.ModuleList([nn.Linear(3, 3)])), lambda: (torch.randn(4, 3),)),
    }


class _Chain(nn.Module):
    def __init__(self, modules: nn.Module) -> None:
        super().__init__()
        self.steps = modules

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for step in self.steps.values() if isinstance(self.steps, nn.ModuleDict) else self.steps:
            x = step(x)
        return x


CASES: dict[str, Case] = {
    "Linear": _case(nn.Linear, (4, 3), (2, 4)),
    "Bilinear": _case(nn.Bilinear, (2, 3, 4), (5, 2), (5, 3)),
    "Conv1d": _case(nn.Conv1d, (4, 6, 3), (2, 4, 8), groups=2),
    "Conv2d": _case(nn.Conv2d, (4, 4, (3, 2)), (2, 4, 6, 6), groups=4),
    "Conv3d": _case(nn.Conv3d, (2, 3, (2, 3, 2)), (2, 2, 5, 5, 5)),
    "ConvTranspose1d": _case(nn.ConvTranspose1d, (4, 6, 3), (2, 4, 5), groups=2),
    "ConvTranspose2d": _case(nn.ConvTranspose2d, (3, 2, (3, 2)), (2, 3, 4, 4), stride=2),
    "ConvTranspose3d": _case(nn.ConvTranspose3d, (2, 3, 2), (2, 2, 3, 3, 3)),
    "Embedding": Case(lambda: nn.Embedding(5, 3), lambda: (torch.arange(5).repeat(2, 1),)),
    "EmbeddingBag": Case(lambda: nn.EmbeddingBag(5, 3), lambda: (torch.arange(5).repeat(2, 1),)),
    **{f"BatchNorm{n}d": _case(getattr(nn, f"BatchNorm{n}d"), (3,), (4, 3, *[5] * (n > 1) * n)) for n in (1, 2, 3)},
    "SyncBatchNorm": Case(lambda: nn.SyncBatchNorm(3).eval(), lambda: (torch.randn(4, 3, 5),)),
    **{
        f"InstanceNorm{n}d": _case(
            getattr(nn, f"InstanceNorm{n}d"), (3,), (4, 3, *[5] * n), affine=True, track_running_stats=True
        )
        for n in (1, 2, 3)
    },
    "GroupNorm": _case(nn.GroupNorm, (2, 4), (3, 4, 5)),
    "LayerNorm": _case(nn.LayerNorm, ((3, 4),), (2, 3, 4)),
    "RMSNorm": _case(nn.RMSNorm, (4,), (2, 4)),
    "PReLU": Case(lambda: nn.PReLU(3), lambda: (-torch.rand(2, 3, 4),)),
    "RNN": _case(nn.RNN, (3, 4), (2, 5, 3), num_layers=2, bidirectional=True, batch_first=True),
    "LSTM": _case(nn.LSTM, (3, 4), (2, 5, 3), num_layers=2, bidirectional=True, proj_size=2, batch_first=True),
    "GRU": _case(nn.GRU, (3, 4), (2, 5, 3), num_layers=2, batch_first=True),
    "RNNCell": _case(nn.RNNCell, (3, 4), (2, 3), (2, 4)),
    "LSTMCell": Case(lambda: nn.LSTMCell(3, 4), lambda: (torch.randn(2, 3), (torch.randn(2, 4), torch.randn(2, 4)))),
    "GRUCell": _case(nn.GRUCell, (3, 4), (2, 3), (2, 4)),
    "MultiheadAttention": _case(
        nn.MultiheadAttention, (4, 2), *[(2, 5, 4)] * 3, batch_first=True, without_gradient=(KEY_BIAS,)
    ),
    "MultiheadAttention, other keys": _case(
        nn.MultiheadAttention,
        (4, 2),
        (2, 5, 4),
        (2, 6, 3),
        (2, 6, 5),
        kdim=3,
        vdim=5,
        add_bias_kv=True,
        batch_first=True,
    ),
    "TransformerEncoderLayer": Case(_encoder_layer, lambda: (torch.randn(2, 5, 4),), (KEY_BIAS,)),
    "TransformerDecoderLayer": Case(_decoder_layer, lambda: (torch.randn(2, 5, 4), torch.randn(2, 6, 4)), (KEY_BIAS,)),
    "TransformerEncoder": Case(
        lambda: nn.TransformerEncoder(_encoder_layer(), 2), lambda: (torch.randn(2, 5, 4),), (KEY_BIAS,)
    ),
    "TransformerDecoder": Case(
        lambda: nn.TransformerDecoder(_decoder_layer(), 1),
        lambda: (torch.randn(2, 5, 4), torch.randn(2, 6, 4)),
        (KEY_BIAS,),
    ),
    "Transformer": Case(
        lambda: nn.Transformer(4, 2, 1, 1, **_ENCODER),
        lambda: (torch.randn(2, 5, 4), torch.randn(2, 6, 4)),
        (KEY_BIAS,),
    ),
    "AdaptiveLogSoftmaxWithLoss": Case(
        lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2, 4]), lambda: (torch.randn(12, 4), torch.arange(6).repeat(2))
    ),
    "LinearCrossEntropyLoss": Case(
        lambda: nn.LinearCrossEntropyLoss(4, 3), lambda: (torch.randn(6, 4), torch.arange(3).repeat(2))
    ),
    **_containers(),
}
