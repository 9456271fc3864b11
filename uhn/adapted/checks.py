"""What cannot be generated, said before anything is built."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from uhn.adapted.roles import MAX_RANK
from uhn.errors import UserError

DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128)
QUANTISED_PACKAGES = ("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized", "torch.ao.nn.sparse.quantized")
# Wrappers, and where they hold the user's module.
WRAPPERS = {"OptimizedModule": "_orig_mod", "DataParallel": "module", "DistributedDataParallel": "module"}


def check_module(module: nn.Module) -> None:
    """Refuse a module that has nothing to generate, or something that cannot be.

    Raises:
        TypeError: it is no module, or one whose weights cannot be given from outside.
        UserError: it holds tensors of a kind that is not generated; the message names the tensor and the remedy.
    """
    if not isinstance(module, nn.Module):
        found = f"the class {module.__name__}" if isinstance(module, type) else type(module).__name__
        raise TypeError(f"adapt: expected a torch.nn.Module, got {found}")
    class_name = type(module).__name__
    if isinstance(module, torch.jit.ScriptModule):
        raise TypeError(f"{class_name}: scripted modules have their weights built in; adapt the Python module")
    if class_name in WRAPPERS:
        raise TypeError(f"{class_name}: expected the module itself; adapt its .{WRAPPERS[class_name]}")
    for name, submodule in module.named_modules():
        if type(submodule).__module__.startswith(QUANTISED_PACKAGES):
            raise UserError(
                f"module '{name or class_name}' is quantised ({type(submodule).__name__}); adapt the float module and "
                "quantise what it materialises"
            )
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if is_lazy(tensor):
            raise UserError(f"'{name}' of {class_name} has no shape yet; run one forward pass first")
    trained = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    for name, parameter in module.named_parameters():
        _check_kind(name, parameter)
    for name, parameter in trained.items():
        _check_values(name, parameter)
    if not trained:
        frozen = "has only frozen parameters; set requires_grad of those to generate"
        empty = "has no parameters; there is nothing to generate"
        raise UserError(f"{class_name} {frozen if any(True for _ in module.parameters()) else empty}")


def _check_kind(name: str, parameter: Tensor) -> None:
    if parameter.is_quantized:
        raise UserError(f"parameter '{name}' is quantised; adapt the float module")
    if parameter.layout is not torch.strided:
        raise UserError(f"parameter '{name}' is sparse ({parameter.layout}); expected a dense tensor, see to_dense()")
    if parameter.dtype not in DTYPES:
        raise UserError(
            f"parameter '{name}' is of type {parameter.dtype}; expected floating-point or complex numbers, register "
            "it as a buffer"
        )


def _check_values(name: str, parameter: Tensor) -> None:
    if parameter.ndim > MAX_RANK:
        raise UserError(
            f"parameter '{name}' has {parameter.ndim} dimensions; descriptors count along {MAX_RANK} at most, join some"
        )
    if parameter.device.type == "meta":
        raise UserError(f"parameter '{name}' is on the device meta, without values; initialise the module first")
    if not torch.isfinite(parameter).all():
        raise UserError(f"parameter '{name}' holds infinite or undefined values; initialise the module again")
