"""A GPU that is not there: the CPU's arithmetic behind torch's interface for devices from elsewhere.

Numbers are real. What a GPU forbids or punishes is seen: tensors of two devices in one operation raise, autocast
rounds where CUDA's does, and whatever would make the host wait for the device is written down.

torch's interface is experimental (2.13); none of the library's code knows of this device.
"""

import traceback

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map, tree_map_only
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

NAME = "pretend"
aten = torch.ops.aten


class _Module(_DummyBackendModule):
    def get_amp_supported_dtype(self):
        return [torch.float16, torch.bfloat16]


_setup_privateuseone_for_python_backend(NAME, _Module())
DEVICE = torch.device(NAME, 0)


class PretendGpu(TorchDispatchMode):
    """While entered, tensors can be on ``DEVICE``.

    Attributes:
        waits: what made the host wait, as ``operation < place < caller``.
    """

    current = None

    def __init__(self):
        super().__init__()
        self.waits = []

    def __enter__(self):
        torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor(..., device=DEVICE) copies where we see it
        PretendGpu.current = self
        return super().__enter__()

    def __exit__(self, *raised):
        PretendGpu.current = None
        torch._C._set_only_lift_cpu_tensors(False)
        return super().__exit__(*raised)

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return _run(operation, args, kwargs or {})


class _OnDevice(torch.Tensor):
    """A tensor on the device; ``host`` holds its numbers."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, host):
        layout = {"strides": host.stride(), "storage_offset": host.storage_offset(), "dtype": host.dtype}
        made = torch.Tensor._make_wrapper_subclass(cls, host.shape, device=DEVICE, **layout)
        made.host = host
        return made

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _run(operation, args, kwargs or {})

    def tolist(self):
        return self.cpu().tolist()

    def __repr__(self):
        return f"{self.host!r} on {NAME}"


def _run(operation, args, kwargs):
    """Run an operation on the CPU if it is the device's."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    target = kwargs.get("device") and torch.device(kwargs["device"])
    if not any(isinstance(t, _OnDevice) for t in tensors) and (target is None or target != DEVICE):
        return operation(*args, **kwargs)
    _check(operation, tensors)
    if PretendGpu.current is not None and _waits(operation, args, kwargs):
        PretendGpu.current.waits.append(f"{operation} < {_place()}")
    host_args, host_kwargs = tree_map(_host, (args, kwargs))
    if target is not None:
        host_kwargs["device"] = torch.device("cpu")
    result = operation(*host_args, **host_kwargs)
    if target is not None and target != DEVICE:
        return result
    owners = {id(_host(t)): t for t in tensors}  # an operation in place returns what it was given
    return tree_map_only(torch.Tensor, lambda t: owners[id(t)] if id(t) in owners else _OnDevice(t), result)


def _host(value):
    return value.host if isinstance(value, _OnDevice) else value


def _check(operation, tensors):
    """Refuse tensors of both devices, except single numbers, which CUDA takes from the host."""
    if operation in (aten.copy_.default, aten._to_copy.default):
        return
    if any(not isinstance(t, _OnDevice) and t.dim() for t in tensors):
        devices = ", ".join(f"{tuple(t.shape)} on {t.device}" for t in tensors)
        raise RuntimeError(f"{operation}: expected all tensors on one device, got {devices}")


SIZED_BY_VALUES = {"nonzero", "masked_select", "_unique", "_unique2", "unique_dim", "unique_consecutive", "bincount"}
SIZED_BY_VALUES |= {"repeat_interleave", "_local_scalar_dense", "equal", "is_nonzero"}
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_"}


def _waits(operation, args, kwargs):
    """Tell whether the host waits: for numbers, for a size that depends on them, or for its memory to be read."""
    name = operation._schema.name.removeprefix("aten::")
    if name in INDEXING:
        return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1])
    if operation is aten._to_copy.default:
        moves = "device" in kwargs and (kwargs["device"].type == NAME) != isinstance(args[0], _OnDevice)
        return moves and not kwargs.get("non_blocking", False)
    if operation is aten.copy_.default:
        moves = isinstance(args[0], _OnDevice) != isinstance(args[1], _OnDevice)
        return moves and not (len(args) > 2 and args[2]) and args[1].dim() > 0
    return name in SIZED_BY_VALUES


def _place():
    """Name the innermost lines of the library that led here."""
    frames = [frame for frame in traceback.extract_stack() if "/uhn/" in frame.filename]
    return " < ".join(f"{frame.filename.rpartition('/uhn/')[2]}:{frame.lineno}" for frame in frames[:-4:-1])


# What CUDA's autocast does with each operation (torch's documentation, "CUDA Op-Specific Behavior").
HALF = """addbmm addmm addmv addr baddbmm bmm chain_matmul linalg_multi_dot conv1d conv2d conv3d conv_transpose1d
conv_transpose2d conv_transpose3d linear matmul mm mv prelu scaled_dot_product_attention"""
FLOAT32 = """acos asin binary_cross_entropy_with_logits cdist cosh cosine_embedding_loss cosine_similarity cumprod
cumsum dist erfinv exp expm1 group_norm hinge_embedding_loss kl_div l1_loss layer_norm log log10 log1p log2
log_softmax margin_ranking_loss mse_loss multi_margin_loss multilabel_margin_loss nll_loss norm pdist
poisson_nll_loss pow prod reciprocal renorm rsqrt sinh smooth_l1_loss soft_margin_loss softmax softplus sum tan
triplet_margin_loss"""
WIDEST = "addcdiv addcmul atan2 bilinear cross dot grid_sampler index_put scatter_add tensordot"

KEY = torch._C.DispatchKey.AutocastPrivateUse1
_rules = torch.library.Library("aten", "IMPL")
_others = torch.library.Library("_", "IMPL", KEY.name)
_others.fallback(torch.library.fallthrough_kernel)


def _rounds(tensor):
    narrow = (torch.float16, torch.bfloat16, torch.float32)
    return isinstance(tensor, _OnDevice) and tensor.dtype in narrow


def _widest(tensors):
    return torch.float32 if any(t.dtype == torch.float32 for t in tensors if _rounds(t)) else None


def _register(operation, dtype_of):
    def kernel(*args, **kwargs):
        dtype = dtype_of(tree_leaves((args, kwargs)))
        if dtype is not None:
            args, kwargs = tree_map(lambda leaf: leaf.to(dtype) if _rounds(leaf) else leaf, (args, kwargs))
        with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(KEY)):
            return operation(*args, **kwargs)

    _rules.impl(operation, kernel, KEY.name)


for _names, _dtype_of in (
    (HALF, lambda tensors: torch.get_autocast_dtype(NAME)),
    (FLOAT32, lambda tensors: torch.float32),
    (WIDEST, _widest),
):
    for _name in _names.split():
        _packet = getattr(aten, _name)
        for _operation in (getattr(_packet, overload) for overload in _packet.overloads()):
            if not _operation._schema.is_mutable:
                _register(_operation, _dtype_of)
