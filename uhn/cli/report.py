"""``uhn report``: tables and figures from result files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from uhn.errors import UserError

EXAMPLES = """examples:
  uhn report table 11 --scale demo
  uhn report table extensions --scale demo
  uhn report table 1 --scale paper --rows pubmed_gcn pubmed_gat --available --stem table_01_pubmed
  uhn report table 11 --scale demo --hyperparameters swept
  uhn report table 13 --scale paper               # of the sweeps there are
  uhn report figure 3 --scale demo
  uhn report figure 3 --scale cpu --rows cnn_mixed_depth cnn_mixed_width --stem figure_3_cnn
  uhn report figure growth --scale paper --runs results/published/paper/runs --out my_figures
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "report",
        help="write a table or figure from result files",
        description="Write a table as .csv (all), .md and .tex, beside the paper's numbers, or a figure "
        "as .pdf, .png and .csv.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=["table", "figure"], help="what to write")
    parser.add_argument(
        "name", metavar="NAME", help="its number in the paper, or its name in config/tables or config/figures"
    )
    parser.add_argument("--scale", default="demo", help="scale of the runs (default: %(default)s)")
    parser.add_argument(
        "--hyperparameters",
        choices=["published", "swept"],
        default="published",
        help="whose the runs have: swept ones lie in results/<scale>-swept (default: %(default)s)",
    )
    parser.add_argument("--runs", type=Path, metavar="DIR", help="default: results/<scale>/runs")
    parser.add_argument(
        "--sweeps", type=Path, metavar="DIR", help="of tables 12 to 22; default: results/<scale>/sweeps"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: results/<scale>/tables or figures")
    parser.add_argument(
        "--report-seeds",
        choices=["published", "fresh"],
        default="published",
        help="seeds to use: the paper's, or others that no search saw (default: %(default)s)",
    )
    parser.add_argument("--seeds", type=int, nargs="+", metavar="K", help="seeds to use, instead")
    parser.add_argument("--available", action="store_true", help="use the seeds that are there, whichever they are")
    part = parser.add_argument_group("part of a table or figure")
    rows_help = "rows of the table, series of the figure (default: all)"
    part.add_argument("--rows", nargs="+", default=[], metavar="ID", help=rows_help)
    part.add_argument("--columns", nargs="+", default=[], metavar="ID", help="columns to show (default: all)")
    part.add_argument("--stem", metavar="NAME", help="name of the files (default: its own)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Write the files, name them on stdout and repeat the caption's warnings on stderr."""
    from uhn.configuration.resolve import load_experiment, load_scale
    from uhn.paths import results_name
    from uhn.reporting.sweep_definitions import TITLES
    from uhn.sweeps.seeds import reported_seeds

    scale_label = load_scale(args.scale)["label"]
    results = Path("results") / results_name(args.scale, args.hyperparameters)
    out = args.out or results / f"{args.kind}s"
    part = {"rows": args.rows, "columns": args.columns, "stem": args.stem}
    if args.kind == "table" and args.name in map(str, TITLES):
        _refuse_part(part, "a table of sweeps")
        _sweep_table(args, out, scale_label)
        return
    if args.kind == "figure":
        _refuse_part({"columns": part.pop("columns")}, "a figure")
    name, pairs, publish = _table(args.name) if args.kind == "table" else _figure(args.name)
    seeds = {
        pair: args.seeds or reported_seeds(load_experiment(pair[0]), args.scale, args.report_seeds) for pair in pairs
    }
    published = publish(
        name,
        runs=args.runs or results / "runs",
        out=out,
        scale=args.scale,
        scale_label="; ".join([scale_label, *_protocol(args)]),
        seeds=None if args.available else seeds,
        **part,
    )
    for warning in published.warnings:
        print(f"uhn: warning: {warning}", file=sys.stderr)
    for path in published.paths:
        print(path)


def _refuse_part(part: dict, what: str) -> None:
    if any(part.values()):
        options = ", ".join(f"--{name}" for name in part)
        raise UserError(f"{options}: of no use for {what}; leave out")


def _protocol(args: argparse.Namespace) -> list[str]:
    """Say how the runs depart from the paper's hyperparameters and seeds."""
    parts = []
    if args.hyperparameters == "swept":
        parts.append("hyperparameters: selected by our own sweeps at this scale")
    if args.report_seeds == "fresh":
        parts.append("seeds: fresh, used by no search")
    return parts


def _sweep_table(args: argparse.Namespace, out: Path, scale_label: str) -> None:
    """Write a table of sweeps, of those there are."""
    from uhn.paths import sweeps_dir
    from uhn.reporting.sweep_frame import load_outcomes
    from uhn.reporting.sweep_tables import publish_sweep_table

    outcomes = load_outcomes(args.sweeps or sweeps_dir(args.scale), args.scale)
    for path in publish_sweep_table(int(args.name), outcomes, out, args.scale, scale_label):
        print(path)


def _table(name: str) -> tuple:
    """Return what to publish, the runs it needs and the function that publishes it."""
    from uhn.reporting.definitions import needed_runs
    from uhn.reporting.publish import publish_table

    return name, needed_runs(name), publish_table


def _figure(name: str) -> tuple:
    """Return what to publish, the runs it needs and the function that publishes it."""
    from uhn.reporting.figures.definitions import load_figure
    from uhn.reporting.figures.publish import publish_figure

    return name, load_figure(name).runs, publish_figure
