"""Copies of a module: one without weights to run with generated ones, and ordinary ones."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from uhn.errors import UserError


def copy_module(module: nn.Module, replaced: Mapping[int, Tensor]) -> nn.Module:
    """Copy a module with other tensors in place of some of its own, wherever it refers to them.

    The global random state stays: some modules draw weights when they are copied.

    Args:
        module: any module.
        replaced: the tensors of the copy by the ``id`` of the module's.

    Raises:
        UserError: the module cannot be copied.
    """
    memo: dict[int, object] = dict(replaced)
    for submodule in module.modules():  # weights that a hook computes, which have a history and cannot be copied
        for value in vars(submodule).values():
            if isinstance(value, Tensor) and not value.is_leaf:
                memo[id(value)] = value.detach().clone()
    try:
        with torch.random.fork_rng(devices=[]):
            return copy.deepcopy(module, memo)
    except (RuntimeError, TypeError, NotImplementedError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{type(module).__name__}: copy.deepcopy fails ({reason}); expected a module that can be copied"
        ) from error


def make_template(module: nn.Module) -> nn.Module:
    """Copy a module without the values of what is generated: these parameters hold no memory (device ``meta``).

    A forward pass that reads one of them other than by its registered name fails instead of using stale values.
    """
    trained = (parameter for parameter in module.parameters() if parameter.requires_grad)
    return copy_module(module, {id(p): nn.Parameter(torch.empty_like(p, device="meta")) for p in trained})
