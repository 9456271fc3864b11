"""The order of layers: as the module registers them, or as a forward pass calls them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from uhn.adapted.layers import FoundLayer
from uhn.adapted.template import copy_module

Inputs = Tensor | tuple[Any, ...] | dict[str, Any]


def in_call_order(layers: list[FoundLayer], module: nn.Module, inputs: Inputs) -> list[FoundLayer]:
    """Sort layers by their module's first call; those that are not called come last, as registered.

    The forward pass runs in evaluation mode on a copy that shares the parameters: nothing of the module changes.

    Args:
        layers: as registered.
        module: their module.
        inputs: what it is called with: a tensor, a tuple of arguments, or keyword arguments.
    """
    copy = copy_module(module, {id(parameter): parameter for parameter in module.parameters()})
    names = {submodule: name for name, submodule in copy.named_modules()}
    calls: dict[str, int] = {}

    def note(submodule: nn.Module, _: tuple[Any, ...]) -> None:
        calls.setdefault(names[submodule], len(calls))

    for submodule in names:
        submodule.register_forward_pre_hook(note)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        if isinstance(inputs, dict):
            copy.eval()(**inputs)
        else:
            copy.eval()(*(inputs if isinstance(inputs, tuple) else (inputs,)))
    return sorted(layers, key=lambda layer: calls.get(layer.name, len(calls)))
