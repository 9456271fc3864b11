"""``uhn track``: index finished runs into MLflow."""

from __future__ import annotations

import argparse
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from uhn.errors import UserError

if TYPE_CHECKING:
    from uhn.tracking import Outcome

EPILOG = """example:
  uhn track results/demo/runs/kan_kv/*/seed*
  uhn track results/paper/runs/kan_kv/uhn/seed* --tracking-uri http://127.0.0.1:5000

Give all seeds of a variant in one call: the summary run above them covers exactly the runs given.
Runs whose files have not changed are left alone, so the command can be repeated at any time.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add ``uhn track`` to the command line."""
    parser = subparsers.add_parser(
        "track",
        help="index finished runs into MLflow",
        description="Index finished runs into MLflow: curves, results, settings, spread over seeds.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run_dirs", nargs="+", type=Path, metavar="RUN_DIR", help="folder of a finished run")
    parser.add_argument("--experiment", metavar="NAME", help="experiment to write into (default: uhn-<scale>)")
    add_store_options(parser)
    parser.set_defaults(run=run)


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the store, and what to do where it cannot be used."""
    parser.add_argument(
        "--tracking-uri",
        metavar="URI",
        help="MLflow store: sqlite:///FILE, http(s)://HOST:PORT or a database (default: the environment's "
        "UHN_TRACKING_URI, else that of config/config.yaml)",
    )
    parser.add_argument(
        "--or-note", type=Path, metavar="FILE", help="if the runs cannot be tracked, write why into FILE and succeed"
    )


def run(args: argparse.Namespace) -> None:
    """Track the runs and print one line about it."""
    from uhn.tracking import track_runs

    report_tracking(args, "runs", lambda uri: track_runs(args.run_dirs, uri, args.experiment, progress=True))


def store_uri(args: argparse.Namespace) -> str:
    """Return the address of the store: as given, else of the environment, else as the pipeline has it.

    Raises:
        UserError: none names one.
    """
    from uhn.configuration.resolve import load_pipeline

    uri = args.tracking_uri or os.environ.get("UHN_TRACKING_URI") or load_pipeline()["tracking_uri"]
    if uri == "none":
        raise UserError("tracking_uri is none in config/config.yaml; give --tracking-uri, or name a store there")
    return uri


def report_tracking(args: argparse.Namespace, what: str, track: Callable[[str], Outcome]) -> None:
    """Track and print one line about it; with ``--or-note`` a failure of any kind is noted and no error."""
    from uhn.files import write_bytes

    try:
        outcome = track(store_uri(args))
        print(f"tracked {outcome.tracked} {what}, skipped {outcome.skipped}, into {outcome.uri}")
    except Exception as error:
        if args.or_note is None:
            raise
        if not isinstance(error, UserError):
            traceback.print_exc()
        why = str(error) if isinstance(error, UserError) else f"{type(error).__name__}, see the log of the job"
        write_bytes(args.or_note, f"{why}\n".encode())
        print(f"not tracked: {why}")
