"""``uhn migrate``: files of earlier releases in the present layout."""

from __future__ import annotations

import argparse
from pathlib import Path

EXAMPLE = """example:
  uhn migrate results/paper
  uhn migrate my_run

Every run and sweep found in the folders is brought to the present layout: its digest is computed again from what its
run.json holds, and every file gets it, with the checksums of the others. No number changes. It can be repeated.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "migrate",
        help="bring runs of earlier releases to the present layout",
        description="Bring the files of runs and sweeps of earlier releases to the present layout.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="a run, or a folder of runs and sweeps")
    parser.add_argument(
        "--without-weights",
        action="store_true",
        help="runs that were copied without training.json and weights, to be published: let them say so",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Migrate all, runs before the decisions made from them, and print one line about it."""
    from uhn.errors import UserError
    from uhn.files import read_json
    from uhn.runs.folder import CANDIDATE, RUN
    from uhn.runs.migrate import check_migrated, drop_weights, migrate_run
    from uhn.sweeps.load import load_sweep
    from uhn.sweeps.migrate import migrate_sweep

    runs = {path.parent: None for folder in args.folders for name in (RUN, CANDIDATE) for path in folder.rglob(name)}
    decisions = [path for folder in args.folders for path in sorted(folder.rglob("selected.json"))]
    if not runs and not decisions:
        raise UserError(f"{args.folders[0]}: holds no run and no sweep; give a folder like results/<scale>")
    migrated = 0
    for folder in sorted(runs):
        changed = migrate_run(folder)
        migrated += (drop_weights(folder) or changed) if args.without_weights else changed
        check_migrated(folder)
    sweeps = {path.parents[1]: read_json(path) for path in decisions}
    decided = sum(
        migrate_sweep(folder.parent, load_sweep(str(record["sweep"]), str(record["scale"])), str(record["scale"]))
        for folder, record in sweeps.items()
    )
    print(f"migrated {migrated} of {len(runs)} runs and {decided} of {len(sweeps)} sweeps")
