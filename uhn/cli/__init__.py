"""The ``uhn`` command line: one module per command, each with ``add_parser(subparsers)`` and ``run(args)``.

Command modules import what they need inside ``run``, so that ``--help`` and light commands start at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from uhn import __version__
from uhn.errors import UserError
from uhn.surroundings import environment_problem, settle


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        """Refuse the command line."""
        raise UserError(f"{message}; see {self.prog} --help")


def build_parser() -> argparse.ArgumentParser:
    """Assemble the parser of all commands."""
    from uhn.cli import bench, data, describe, evaluate, generate, migrate, report, runs, sweep, track, train, watch

    parser = Parser(prog="uhn", description="Universal hypernetworks: train, evaluate, search, report.")
    parser.add_argument("--version", action="version", version=f"uhn {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (train, watch, evaluate, sweep, generate, describe, runs, data, report, track, migrate, bench):
        command.add_parser(subparsers)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit code (2 for a user's mistake or the machine's limits, printed as one line)."""
    settle()
    try:
        args = build_parser().parse_args(argv)
        code = args.run(args) or 0
        sys.stdout.flush()
        return code
    except UserError as error:
        print(f"uhn: error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        _drop_output()
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if (problem := environment_problem(error)) is None:
            raise
        print(f"uhn: error: {problem}", file=sys.stderr)
        _drop_output()
        return 2


def _drop_output() -> None:
    """Send output that cannot be written nowhere: the interpreter would try once more at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
