"""``uhn report``: tables from result files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "report",
        help="write a table of the paper from result files",
        description="Write a table of the paper as .csv (all), .md and .tex, beside the paper's numbers.",
        epilog="example:\n  uhn report table 11 --scale demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=["table"], help="what to write")
    parser.add_argument("number", type=int, metavar="N", help="its number in the paper")
    parser.add_argument("--scale", default="demo", help="scale of the runs (default: %(default)s)")
    parser.add_argument("--runs", type=Path, metavar="DIR", help="default: results/<scale>/runs")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: results/<scale>/tables")
    parser.add_argument(
        "--seeds", type=int, nargs="+", metavar="K", help="seeds to use (default: those of each experiment file)"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Write the files, name them on stdout and repeat the caption's warnings on stderr."""
    from uhn.experiments.resolve import load_experiment, load_scale, seeds_of
    from uhn.reporting.definitions import needed_runs
    from uhn.reporting.publish import publish_table

    scale_label = load_scale(args.scale)["label"]
    seeds = {
        (setting, variant): args.seeds or seeds_of(load_experiment(setting), args.scale)
        for setting, variant in needed_runs(args.number)
    }
    results = Path("results") / args.scale
    published = publish_table(
        args.number,
        runs=args.runs or results / "runs",
        out=args.out or results / "tables",
        scale=args.scale,
        scale_label=scale_label,
        seeds=seeds,
    )
    for warning in published.warnings:
        print(f"uhn: warning: {warning}", file=sys.stderr)
    for path in published.paths:
        print(path)
