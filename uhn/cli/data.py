"""``uhn data``: download the data sets, check a folder of them, say where they come from."""

from __future__ import annotations

import argparse
from pathlib import Path

from uhn.errors import UserError

EXAMPLE = """example:
  uhn data status
  uhn data fetch mnist cora
  uhn data verify cifar10 --folder /path/to/my/data
  uhn data prepare cora --data standin

Without DATASET: all of them. Without --folder: resources/DATASET. A folder of your own holds the files where the usual
loaders look: MNIST/raw/*.gz, cifar-10-batches-py/*, planetoid/<Name>/raw/ind.*, ag_news_csv/*.csv,
aclImdb/{train,test}/{neg,pos}/*.txt.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "data",
        help="download data sets with checksums, or check a local folder",
        description="Download data sets with checksums (fetch), check the files of a folder (verify), show what is "
        "there, its licence and its citation (status), or do what a run from a data source needs (prepare).",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=(*ACTIONS, "prepare"), help="what to do")
    parser.add_argument("datasets", nargs="*", metavar="DATASET", help="mnist, cifar10, cora, ... (default: all)")
    parser.add_argument("--data", default="standin", help="of prepare: standin, download or a folder")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the files are (default: resources/DATASET)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Do the action for each data set.

    Raises:
        UserError: an unknown data set, a failed download, or files that are missing or damaged.
    """
    from uhn.data.catalogue import DATASETS, get_dataset
    from uhn.data.fetch import default_folder

    names = args.datasets or list(DATASETS)
    for name in names:
        get_dataset(name)
    if args.action == "prepare":
        from uhn.data.sources import DataSource

        for name in names:
            print(f"{name}: ready in {DataSource.parse(args.data).prepare(name)}")
        return
    failed = [name for name in names if not ACTIONS[args.action](name, args.folder or default_folder(name))]
    if failed:
        raise UserError(
            f"{', '.join(failed)}: expected complete and unaltered files, found the above; fetch them, "
            "or give the folder that holds them with --folder"
        )


def _fetch(name: str, folder: Path) -> bool:
    from uhn.data.fetch import fetch

    print(f"{name}: {'downloaded to' if fetch(name, folder) else 'already in'} {folder}", flush=True)
    return True


def _verify(name: str, folder: Path) -> bool:
    from uhn.data.verify import inspect, is_standin, remedy

    findings = list(inspect(name, folder))
    bad = [finding for finding in findings if not finding.usable]
    for finding in findings:
        if finding.detail:
            print(f"{name}: {folder / finding.path}: {finding.state}: {finding.detail}")
    if bad:
        print(f"{name}: {remedy(name, folder)}")
    else:
        kind = "stand-in data, " if is_standin(name, folder) else ""
        print(f"{name}: {kind}{len(findings)} of {len(findings)} files usable in {folder}")
    return not bad


def _status(name: str, folder: Path) -> bool:
    """Show what is there without reading it; ``verify`` reads."""
    from uhn.data.catalogue import get_dataset
    from uhn.data.verify import is_standin

    dataset = get_dataset(name)
    there = sum((folder / file.path).exists() for file in dataset.files)
    kind = "stand-in data" if is_standin(name, folder) else f"{there} of {len(dataset.files)} files there"
    lines = [
        f"{dataset.title} ({name}): {kind}, {folder}",
        f"from     {dataset.url}",
        f"licence  {dataset.licence}",
        f"cite     {dataset.citation}",
    ]
    print("\n  ".join(lines))
    return True


ACTIONS = {"fetch": _fetch, "verify": _verify, "status": _status}
