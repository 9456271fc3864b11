"""``uhn track``: index finished runs into MLflow."""

from __future__ import annotations

import argparse
from pathlib import Path

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
    add_store_option(parser)
    parser.add_argument("--experiment", metavar="NAME", help="experiment to write into (default: uhn-<scale>)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int | None:
    """Track the runs and print one line about it."""
    from uhn.tracking import track_runs

    counts = track_runs(args.run_dirs, store_uri(args), args.experiment, progress=True)
    print(f"tracked {counts.tracked} runs, skipped {counts.skipped}, into {counts.uri}")


def add_store_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the store."""
    parser.add_argument(
        "--tracking-uri",
        metavar="URI",
        help="MLflow store: sqlite:///FILE, http(s)://HOST:PORT or a database (default: that of config/config.yaml)",
    )


def store_uri(args: argparse.Namespace) -> str:
    """Return the address of the store: as given, or as the pipeline has it.

    Raises:
        UserError: neither names one.
    """
    from uhn.configuration.resolve import load_pipeline
    from uhn.errors import UserError

    uri = args.tracking_uri or load_pipeline()["tracking_uri"]
    if uri == "none":
        raise UserError("tracking_uri is none in config/config.yaml; give --tracking-uri, or name a store there")
    return uri
