"""``uhn report``: tables and figures from result files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uhn.errors import UserError

if TYPE_CHECKING:
    from uhn.reporting.published import Published

EXAMPLES = """examples:
  uhn report table 11 --scale demo
  uhn report table extensions --scale demo
  uhn report table 1 --scale paper --rows pubmed_gcn pubmed_gat --available --stem table_01_pubmed
  uhn report table 11 --scale demo --hyperparameters swept
  uhn report table 13 --scale paper               # of the sweeps there are
  uhn report table 13 --scale paper --rows kan_kv kan_jv --stem table_13_formulas
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
        "--sweeps",
        type=Path,
        metavar="DIR",
        help="of tables of sweeps, and of swept hyperparameters; default: results/<scale>/sweeps",
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
    parser.add_argument("--data", help="data that the runs must have: standin, download or a folder (default: scale's)")
    parser.add_argument(
        "--allow-mixed",
        action="store_true",
        help="take runs of other configurations than config/ resolves to, and mark their cells with a dagger",
    )
    part = parser.add_argument_group("part of a table or figure")
    rows_help = "rows or sweeps of the table, series of the figure (default: all)"
    part.add_argument("--rows", nargs="+", default=[], metavar="ID", help=rows_help)
    part.add_argument("--columns", nargs="+", default=[], metavar="ID", help="columns to show (default: all)")
    part.add_argument("--stem", metavar="NAME", help="name of the files (default: its own)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Write the files, name them on stdout and repeat the caption's warnings on stderr."""
    published = _publish_table(args) if args.kind == "table" else _publish_figure(args)
    for warning in published.warnings:
        print(f"uhn: warning: {warning}", file=sys.stderr)
    for path in published.paths:
        print(path)


def _publish_table(args: argparse.Namespace) -> Published:
    from uhn.reporting.publish_table import publish_table
    from uhn.reporting.sentences import describe_scale
    from uhn.reporting.table_definitions import SweepTable, load_table

    table = load_table(args.name)
    part = {"rows": args.rows, "columns": args.columns, "stem": args.stem}
    if isinstance(table, SweepTable):
        source = {"folder": _sweeps(args), "scale_label": describe_scale(args.scale)}
    else:
        source = {"folder": args.runs or _results(args) / "runs", **_chosen_runs(args, table.runs)}
    return publish_table(args.name, out=args.out or _results(args) / "tables", scale=args.scale, **source, **part)


def _publish_figure(args: argparse.Namespace) -> Published:
    from uhn.reporting.figure_definitions import load_figure
    from uhn.reporting.figures.publish_figure import publish_figure

    if args.columns:
        raise UserError("--columns: of no use for a figure; leave out")
    return publish_figure(
        args.name,
        runs=args.runs or _results(args) / "runs",
        out=args.out or _results(args) / "figures",
        scale=args.scale,
        **_chosen_runs(args, load_figure(args.name).runs),
        rows=args.rows,
        stem=args.stem,
    )


def _sweeps(args: argparse.Namespace) -> Path:
    from uhn.paths import sweeps_dir

    return args.sweeps or sweeps_dir(args.scale)


def _results(args: argparse.Namespace) -> Path:
    from uhn.paths import results_name

    return Path("results") / results_name(args.scale, args.hyperparameters)


def _chosen_runs(args: argparse.Namespace, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return which runs to use, what they must be, and what captions say of the scale and of these runs."""
    from uhn.configuration.resolve import load_experiment
    from uhn.reporting.sentences import describe_scale
    from uhn.sweeps.expected import Expectation
    from uhn.sweeps.seeds import reported_seeds

    seeds = {
        pair: args.seeds or reported_seeds(load_experiment(pair[0]), args.scale, args.report_seeds) for pair in pairs
    }
    return {
        "scale_label": describe_scale(args.scale, args.hyperparameters, args.report_seeds),
        "seeds": None if args.available else seeds,
        "expected": Expectation(args.scale, args.data, _sweeps(args) if args.hyperparameters == "swept" else None),
        "allow_mixed": args.allow_mixed,
    }
