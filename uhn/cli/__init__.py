"""The ``uhn`` command line: one module per command, each with ``add_parser(subparsers)`` and ``run(args)``.

Command modules import what they need inside ``run``, so that ``--help`` and light commands start at once.
"""

from __future__ import annotations

import argparse
import os
import sys

from uhn import __version__
from uhn.errors import UserError


def build_parser() -> argparse.ArgumentParser:
    """Assemble the parser of all commands."""
    from uhn.cli import bench, data, describe, evaluate, generate, report, runs, sweep, track, train, watch

    parser = argparse.ArgumentParser(prog="uhn", description=__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"uhn {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (train, watch, evaluate, sweep, generate, describe, runs, data, report, track, bench):
        command.add_parser(subparsers)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit code (2 for a user's mistake, printed as one line)."""
    args = build_parser().parse_args(argv)
    try:
        code = args.run(args) or 0
        sys.stdout.flush()
        return code
    except UserError as error:
        print(f"uhn: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
