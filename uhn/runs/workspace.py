"""A run's working folder in scratch/: it survives an interruption, after which Snakemake deletes declared outputs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from uhn.configuration.run import RunConfig
from uhn.errors import UserError
from uhn.locks import SCRATCH_REMEDY, LockFile


@contextmanager
def open_workspace(scratch: Path, config: RunConfig, device: str) -> Iterator[Path]:
    """Yield the folder of a run, locked against a second process that works on the same run.

    The folder's name is the digest of the configuration, so a changed setting never resumes old work.
    A process orphaned by a killed scheduler may still hold the lock; then this one waits for its end.

    Raises:
        UserError: scratch cannot be written or locked.
    """
    folder = scratch / "runs" / f"{config.digest[:20]}_{device}"
    with LockFile(folder / "lock", SCRATCH_REMEDY) as lock:
        if not lock.take(wait=False):
            print(f"{config.key}: waiting for another process that works on this run", file=sys.stderr)
            lock.take()
        folder.mkdir(parents=True, exist_ok=True)  # the process waited for removes its folder when it is done
        yield folder


def discard(folder: Path) -> None:
    """Remove a working folder whose run is complete."""
    shutil.rmtree(folder)


def check_writable(folder: Path) -> None:
    """Refuse a results folder that cannot be written, before any work is done.

    Raises:
        UserError: naming the folder.
    """
    probe = folder / ".writable"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"{folder}: results cannot be written there ({error.strerror}); make it writable or choose another --out"
        ) from error
