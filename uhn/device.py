"""Choosing a device, and sharing the GPUs of a machine between jobs."""

from __future__ import annotations

import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from uhn.errors import UserError


@contextmanager
def acquire_device(name: str, lease_dir: Path) -> Iterator[torch.device]:
    """Yield the device of a job and hold it for the block.

    Snakemake bounds how many GPU jobs run at once but assigns no GPU. Each job therefore locks a slot file
    of the GPU with the fewest taken slots; the kernel frees the lock on any kind of death. Where
    CUDA_VISIBLE_DEVICES is set (by a cluster, say) the choice has been made and nothing is leased.

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
    if "CUDA_VISIBLE_DEVICES" in os.environ:
        yield torch.device("cuda", 0)
        return
    with _lease_slot(lease_dir, torch.cuda.device_count()) as gpu:
        yield torch.device("cuda", gpu)


@contextmanager
def _lease_slot(lease_dir: Path, num_gpus: int) -> Iterator[int]:
    lease_dir.mkdir(parents=True, exist_ok=True)
    for slot, gpu in itertools.product(itertools.count(), range(num_gpus)):
        with open(lease_dir / f"gpu{gpu}_slot{slot}.lock", "w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield gpu
            return
