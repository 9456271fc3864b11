"""``uhn runs``: what would run, and what it would cost."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """example:
  uhn runs --scale paper --table 11
  uhn runs --scale lite --table extensions --calibrate
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "runs",
        help="list the runs of a scale with steps and estimated cost",
        description="List the runs behind the tables of a scale with their steps and what they cost on CPU cores. "
        "Costs come from steps measured on this machine, on random data: the first call takes about a minute, later "
        "ones read what it kept in scratch.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scale", default="demo", help="demo, cpu, lite or paper (default: %(default)s)")
    parser.add_argument("--table", metavar="N", help="only the runs of one table: its number in the paper, or its name")
    parser.add_argument("--calibrate", action="store_true", help="measure anew, e.g. after a call on a busy machine")
    parser.add_argument("--scratch", type=Path, default=Path("scratch"), help="folder of measured times")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print one line for each setting and variant, then the total."""
    import torch

    from uhn.benchmarks.step_times import StepTimes
    from uhn.configuration.resolve import load_experiment, resolve, seeds_of
    from uhn.reporting.table_definitions import needed_runs, ready_tables
    from uhn.training.cost import run_core_hours, run_steps
    from uhn.training.counts import count_targets, paper_targets

    torch.set_num_threads(1)
    step_times = StepTimes(args.scratch, anew=args.calibrate)
    tables = [needed_runs(args.table)] if args.table else [table.runs for table in ready_tables().values()]
    pairs = dict.fromkeys(pair for pairs_of_table in tables for pair in pairs_of_table)
    width = max(28, *(len("/".join(pair)) for pair in pairs))
    print(f"{'setting/variant':<{width}} {'seeds':>5} {'steps/run':>10} {'target':>10} {'core-hours':>11}")
    total_runs, total_hours = 0, 0.0
    for setting, variant in pairs:
        experiment = load_experiment(setting)
        seeds = seeds_of(experiment, args.scale)
        config = resolve(experiment, variant, seeds[0], args.scale)
        num_scalars = round(count_targets(paper_targets(config), args.scratch).mean_params)
        hours = run_core_hours(config, step_times.of_run(config)) * len(seeds)
        sizes = f"{len(seeds):>5} {run_steps(config):>10,} {num_scalars:>10,} {hours:>11.3f}"
        print(f"{setting + '/' + variant:<{width}} {sizes}", flush=True)
        total_runs += len(seeds)
        total_hours += hours
    print(f"{total_runs} runs, about {total_hours:.2f} core-hours (estimate from steps measured here)")
