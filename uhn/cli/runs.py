"""``uhn runs``: what would run, and what it would cost."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """example:
  uhn runs --scale paper --table 11
  uhn runs --scale lite --table extensions
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "runs",
        help="list the runs of a scale with steps and estimated cost",
        description="List the runs behind the tables of a scale with steps and a rough cost on CPU cores.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scale", default="demo", help="demo, cpu, lite or paper (default: %(default)s)")
    parser.add_argument("--table", metavar="N", help="only the runs of one table: its number in the paper, or its name")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print one line for each setting and variant, then the total."""
    from uhn.configuration.cost import run_core_hours, run_steps
    from uhn.configuration.resolve import load_experiment, resolve, seeds_of
    from uhn.reporting.table_definitions import needed_runs, ready_tables
    from uhn.training.counts import count_targets, paper_targets

    tables = [needed_runs(args.table)] if args.table else [table.runs for table in ready_tables().values()]
    pairs = dict.fromkeys(pair for pairs_of_table in tables for pair in pairs_of_table)
    width = max(28, *(len("/".join(pair)) for pair in pairs))
    print(f"{'setting/variant':<{width}} {'seeds':>5} {'steps/run':>10} {'target':>10} {'core-hours':>11}")
    total_runs, total_hours = 0, 0.0
    for setting, variant in pairs:
        experiment = load_experiment(setting)
        seeds = seeds_of(experiment, args.scale)
        config = resolve(experiment, variant, seeds[0], args.scale)
        num_scalars = round(count_targets(paper_targets(config), Path("scratch")).mean_params)
        hours = run_core_hours(config, num_scalars) * len(seeds)
        sizes = f"{len(seeds):>5} {run_steps(config):>10,} {num_scalars:>10,} {hours:>11.3f}"
        print(f"{setting + '/' + variant:<{width}} {sizes}")
        total_runs += len(seeds)
        total_hours += hours
    print(f"{total_runs} runs, about {total_hours:.2f} core-hours (estimate)")
