"""``uhn watch``: how far runs in progress are."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from uhn.errors import UserError

if TYPE_CHECKING:
    from uhn.runs.progress import RunProgress

EXAMPLE = """example:
  uhn watch
  uhn watch --once
"""
CLEAR = "\x1b[H\x1b[J"


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "watch",
        help="follow runs in progress",
        description="List the runs in progress with step, loss and time left, again and again until interrupted. Runs "
        "write to disk with their checkpoints, every 30 seconds.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scratch", type=Path, default=Path("scratch"), help="folder of checkpoints")
    parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="default: %(default)s")
    parser.add_argument("--once", action="store_true", help="list them once; so too where the output is no terminal")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print the list, and print it again."""
    from uhn.runs.progress import runs_in_progress

    if args.every <= 0:
        raise UserError(f"uhn watch: expected a positive --every, got {args.every:g}")
    follow = sys.stdout.isatty() and not args.once
    while True:
        print((CLEAR if follow else "") + describe(runs_in_progress(args.scratch)), flush=True)
        if not follow:
            return
        time.sleep(args.every)


def describe(runs: list[RunProgress]) -> str:
    """Lay out one line for each run under a heading."""
    if not runs:
        return "no run is in progress"
    heads = ("run", "phase", "step", "loss", "elapsed", "left", "")
    lines = [heads, *map(_fields, runs)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _fields(run: RunProgress) -> tuple[str, ...]:
    loss = "-" if run.loss is None else f"{run.loss:.4g}"
    left = "-" if run.left_s is None else _clock(run.left_s)
    state = run.fault or {True: "", False: "stopped", None: "running or stopped"}[run.running]
    return run.key, run.phase or "-", f"{run.step:,} / {run.steps:,}", loss, _clock(run.elapsed_s), left, state


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
