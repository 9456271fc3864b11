"""Choosing a device, sharing the GPUs of a machine between jobs, and feeding a GPU without waiting for it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import quote

import torch
from torch import Tensor

from uhn.errors import UserError
from uhn.locks import SCRATCH_REMEDY, LockFile
from uhn.runs.provenance import provenance


@contextmanager
def acquire_device(name: str, lease_dir: Path) -> Iterator[torch.device]:
    """Yield the device of a job and hold it for the block.

    Snakemake bounds how many GPU jobs run at once but assigns no GPU. Each job therefore locks a slot file
    of the GPU with the fewest taken slots; the kernel frees the lock on any kind of death. Where
    CUDA_VISIBLE_DEVICES names one GPU (on a cluster, say) the choice has been made and nothing is leased.

    Args:
        name: ``cpu`` or ``cuda``.
        lease_dir: folder of the slot files.

    Raises:
        UserError: the device is not there.
    """
    if name == "cpu":
        yield torch.device("cpu")
        return
    if name != "cuda":
        raise UserError(f"device '{name}': expected 'cpu' or 'cuda'")
    if not torch.cuda.is_available():
        raise UserError(
            "device 'cuda': this machine or this build of torch has no usable CUDA device; use --device cpu"
        )
    use_deterministic_kernels()
    names = visible_gpus(torch.cuda.device_count())
    chosen = len(names) == 1 and "CUDA_VISIBLE_DEVICES" in os.environ
    with nullcontext(0) if chosen else _lease_slot(lease_dir, names) as gpu:
        torch.cuda.set_device(gpu)
        yield torch.device("cuda", gpu)


def visible_gpus(count: int) -> list[str]:
    """Name the GPUs that CUDA shows, in its order, such that every process of a machine names them alike.

    CUDA_VISIBLE_DEVICES lists numbers or UUIDs; where it is not set the ``count`` GPUs are numbered.
    """
    if "CUDA_VISIBLE_DEVICES" not in os.environ:
        return [str(gpu) for gpu in range(count)]
    return [entry.strip() for entry in os.environ["CUDA_VISIBLE_DEVICES"].split(",")][:count]


def use_deterministic_kernels() -> None:
    """Make a GPU repeat itself bit for bit, as an interrupted run that continues must, and float32 mean float32.

    On a CPU every kernel in use is deterministic, and the first call below imports a compiler. What has no
    deterministic kernel only warns; the fused attention kernels are then not deterministic either, products are.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_mem_efficient_sdp(False)
    torch.backends.cuda.enable_cudnn_sdp(False)
    torch.backends.cudnn.allow_tf32 = False


def describe_machine(device: torch.device) -> dict[str, Any]:
    """Return versions, commit and machine of the present process; see :func:`uhn.runs.provenance.provenance`."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return provenance(device.type, torch.get_num_threads(), gpu)


def upload(tensor: Tensor, device: torch.device) -> Tensor:
    """Bring a tensor to a device, from the host without waiting for the work that is queued on the device.

    From pageable memory CUDA copies when the queue is empty, and the host waits that long; hence page-locked memory,
    which torch keeps until the copy is done.
    """
    if tensor.device.type == "cpu" and device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


@contextmanager
def _lease_slot(lease_dir: Path, names: list[str]) -> Iterator[int]:
    for slot, (gpu, name) in ((slot, named) for slot in itertools.count() for named in enumerate(names)):
        with LockFile(lease_dir / f"gpu{quote(name, safe='')}_slot{slot}.lock", SCRATCH_REMEDY) as lock:
            if lock.take(wait=False):
                yield gpu
                return
