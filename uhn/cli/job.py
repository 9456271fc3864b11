"""Options of every command that trains, and how a signal or a full GPU ends it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from uhn.errors import UserError

if TYPE_CHECKING:
    from uhn.data.sources import DataSource
    from uhn.training.runner import JobOptions


def add_job_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a training job."""
    parser.add_argument("--data", help="standin, download or a folder (default: the scale's own)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: %(default)s)")
    parser.add_argument("--scratch", type=Path, default=Path("scratch"), help="folder of checkpoints")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue from a checkpoint of this run if there is one; leave it if finished",
    )
    parser.add_argument("--checkpoint-every", type=float, default=30.0, metavar="SECONDS", help="default: %(default)s")


def job_options(args: argparse.Namespace, source: DataSource) -> JobOptions:
    """Return the options as training takes them."""
    from uhn.training.runner import JobOptions

    return JobOptions(args.device, source, args.threads, args.scratch, args.resume, args.checkpoint_every)


def run_job(job: Callable[[], None]) -> int:
    """Run a job; exit code 3 when a signal stopped it after a checkpoint.

    Raises:
        UserError: the GPU's memory does not suffice.
    """
    import torch

    from uhn.training.signals import Interrupted

    try:
        job()
    except Interrupted as stop:
        print(f"uhn: {stop}", file=sys.stderr)
        return 3
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"out of GPU memory ({str(error).splitlines()[0]}); run fewer jobs at once (--resources gpu=1), or lower "
            "generation.memory_mb, cache_mb or kept_mb in config/defaults.yaml"
        ) from None
    return 0
