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
    parser.add_argument(
        "--tracking-uri",
        default="sqlite:///scratch/mlflow.db",
        metavar="URI",
        help="MLflow store: sqlite:///FILE, http(s)://HOST:PORT or a database (default: %(default)s)",
    )
    parser.add_argument("--experiment", metavar="NAME", help="experiment to write into (default: uhn-<scale>)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int | None:
    """Track the runs and print one line about it."""
    from uhn.tracking import track_runs

    counts = track_runs(args.run_dirs, args.tracking_uri, args.experiment, progress=True)
    print(f"tracked {counts.tracked} runs, skipped {counts.skipped}, into {counts.uri}")
