"""``uhn evaluate``: evaluate trained runs on test data."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from uhn.cli.job import run_job

EXAMPLE = """example:
  uhn evaluate results/demo/runs/kan_kv/uhn/seed21962
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "evaluate",
        help="evaluate trained runs on test data",
        description="Evaluate the final weights of finished training jobs on test data and write result.json.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run_dirs", nargs="+", type=Path, metavar="RUN_DIR", help="folder written by `uhn train`")
    parser.add_argument("--data", help="standin, download or a folder (default: the scale's own)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument("--scratch", type=Path, default=Path("scratch"), help="folder of the GPUs' lock files")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate each folder."""
    return run_job(lambda: evaluate(args.run_dirs, args.data, args.device, args.scratch))


def evaluate(run_dirs: list[Path], data: str | None, device: str, scratch: Path) -> None:
    """Evaluate each folder on one device and print a line about it."""
    from uhn.configuration.resolve import source_of
    from uhn.data.sources import DataSource
    from uhn.device import acquire_device
    from uhn.runs.folder import read_run
    from uhn.sweeps.expected import require_place
    from uhn.training.evaluate import evaluate_run

    with acquire_device(device, scratch / "gpu") as acquired:
        for run_dir in run_dirs:
            require_place(run_dir)
            source = data or source_of(read_run(run_dir)["scale"])
            started = time.monotonic()
            evaluate_run(run_dir, DataSource.parse(source), device=acquired)
            print(
                f"{run_dir / 'result.json'}: {outcome_of(run_dir)}, in {time.monotonic() - started:.1f} s", flush=True
            )


def outcome_of(run_dir: Path) -> str:
    """Say how a run ended: its metrics, or why it has none."""
    from uhn.runs.folder import read_result

    result = read_result(run_dir)
    if result["status"] != "completed":
        return f"{result['status']} ({result['reason']})"
    return ", ".join(f"{name} {value:.4g}" for name, value in result["metrics"].items())
