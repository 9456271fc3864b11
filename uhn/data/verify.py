"""Is a folder what it says it is? Every loader asks before it opens a file; ``uhn data verify`` asks for the user."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from uhn.data.catalogue import DataFile, Dataset, get_dataset
from uhn.data.checksums import checksum, folder_files, size
from uhn.errors import UserError

# A part of AG News' training rows, for those who cannot have all of them. It has no published checksum.
SUBSET = "ag_news_csv/train_subset.csv"


@dataclass(frozen=True)
class Finding:
    """What was found in a file's place.

    Args:
        path: below the data folder.
        state: "ok", "missing", "truncated", "altered", "unreadable" or "subset".
        detail: expected and found; empty if ok.
        checksum: as found; None where there is nothing to sum.
    """

    path: str
    state: str
    detail: str = ""
    checksum: str | None = None

    @property
    def usable(self) -> bool:
        """Whether loaders take the file."""
        return self.state in ("ok", "subset")


def marker_path(name: str, folder: Path) -> Path:
    """Return the file that marks a folder as holding a stand-in of a data set and lists its checksums."""
    return Path(folder) / f"{name}.standin.json"


def standin_code() -> str:
    """Return the sha256 of the code that writes stand-ins; a marker names it, and other code writes them again."""
    return hashlib.sha256(Path(__file__).with_name("standin.py").read_bytes()).hexdigest()


def is_standin(name: str, folder: Path) -> bool:
    """Tell whether a folder holds a stand-in of a data set."""
    return marker_path(name, folder).is_file()


def _files(dataset: Dataset, folder: Path, split: str | None) -> list[DataFile]:
    """Return what a split is read from: as published, as the stand-in's marker lists it, or AG News' subset."""
    files = dataset.of_split(split)
    marker = marker_path(dataset.name, folder)
    if marker.is_file():
        try:
            sums = json.loads(marker.read_bytes())["files"]
            return [replace(file, size=None, count=None, checksum=sums[file.path]) for file in files]
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(f"{marker}: damaged; delete {folder} and write the stand-in data again") from None
    if dataset.name == "ag_news" and not (folder / "ag_news_csv/train.csv").exists() and (folder / SUBSET).exists():
        return [replace(file, path=SUBSET) if file.path.endswith("train.csv") else file for file in files]
    return files


def _find(file: DataFile, folder: Path) -> Finding:
    path = folder / file.path
    try:
        if not path.exists():
            return Finding(file.path, "missing", f"expected {file.checksum}, found nothing")
        if file.count is not None:
            if not path.is_dir():
                return Finding(file.path, "altered", f"expected a folder of {file.count:,} texts, found a file")
            if (found := len(folder_files(path))) != file.count:
                return Finding(file.path, "truncated", f"expected {file.count:,} texts, found {found:,}")
        if file.path == SUBSET:
            return Finding(SUBSET, "subset", "part of the training rows, no published checksum", checksum(path))
        found_sum = checksum(path, file.checksum.split(":")[0])
        if found_sum == file.checksum:
            return Finding(file.path, "ok", checksum=found_sum)
        detail = f"expected {file.checksum}, found {found_sum}"
        if file.size is not None and (found_size := size(path)) < file.size:
            return Finding(
                file.path, "truncated", f"{detail}; expected {file.size:,} bytes, found {found_size:,}", found_sum
            )
        return Finding(file.path, "altered", detail, found_sum)
    except OSError as error:
        return Finding(file.path, "unreadable", f"expected {file.checksum}, found {error.strerror}")


def inspect(name: str, folder: Path, split: str | None = None) -> Iterator[Finding]:
    """Check the files of a data set (of one split, if named) against their checksums, one by one.

    Raises:
        UserError: there is no such data set, or its stand-in's marker is damaged.
    """
    dataset, folder = get_dataset(name), Path(folder)
    for file in _files(dataset, folder, split):
        yield _find(file, folder)


def remedy(name: str, folder: Path) -> str:
    """Return what a user can do about a missing or damaged file."""
    if is_standin(name, folder):
        return f"delete {folder} and write the stand-in data again"
    return f"get it from {get_dataset(name).url}, or run: uhn data fetch {name} --folder {shlex.quote(str(folder))}"


def require_files(name: str, folder: Path, split: str | None = None, *, standin: bool = False) -> dict[str, str]:
    """Demand that the files of a data set are all there and unaltered, and of the source that was asked for.

    Args:
        name: the data set.
        folder: where its files are.
        split: "train" or "test"; other splits' files are not opened. None: all.
        standin: whether stand-in data are asked for. Neither is ever taken for the other.

    Returns:
        Checksum by path of what will be read.

    Raises:
        UserError: a file is missing, truncated or altered, or the folder is of the other source.
    """
    title, folder = get_dataset(name).title, Path(folder)
    if standin != is_standin(name, folder):
        local = f"local files (--data {shlex.quote(str(folder))})"
        found, other = ("published files or none", local) if standin else ("a stand-in", "standin")
        raise UserError(
            f"{folder}: expected {'a stand-in of' if standin else 'the published files of'} {title}, found {found}; "
            f"name another folder or set the data source to {other}"
        )
    sums = {}
    for finding in inspect(name, folder, split):
        if not finding.usable:
            raise UserError(
                f"{title}: {folder / finding.path} is {finding.state} ({finding.detail}); {remedy(name, folder)}"
            )
        sums[finding.path] = finding.checksum
    return sums
