"""The data sets of the paper that are files, from ``catalogue.yaml``: addresses, checksums, licences and citations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from uhn.errors import UserError


@dataclass(frozen=True)
class DataFile:
    """A file of a data set, or a folder of texts that is one unit.

    Args:
        path: below the data folder, with forward slashes.
        checksum: ``sha256:...`` or ``md5:...``.
        size: bytes; None where unknown.
        split: "train", "test", or None for a file that holds both.
        count: number of files in a folder; None for a file.
    """

    path: str
    checksum: str
    size: int | None = None
    split: str | None = None
    count: int | None = None


@dataclass(frozen=True)
class Dataset:
    """A data set.

    Args:
        name: as in configuration and on the command line.
        title: as in prose.
        classes: number of classes.
        url: folder of the files, or the archive that holds them.
        files: what the loaders read.
        licence: what its publisher states, or who else states what.
        citation: the paper to cite.
        archive: checksum of the archive, None where the files are published one by one.
        train_examples: size of the training split; None of a graph, which trains on all its nodes at once.
    """

    name: str
    title: str
    classes: int
    url: str
    files: tuple[DataFile, ...]
    licence: str
    citation: str
    archive: str | None = None
    train_examples: int | None = None

    def of_split(self, split: str | None) -> list[DataFile]:
        """Return the files that a split is read from; all for None."""
        return [file for file in self.files if split is None or file.split in (None, split)]


def _read(name: str, facts: dict[str, Any]) -> Dataset:
    files = tuple(DataFile(path, **of_file) for path, of_file in facts.pop("files").items())
    return Dataset(name=name, files=files, **facts)


DATASETS: dict[str, Dataset] = {
    name: _read(name, facts)
    for name, facts in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")).items()
}


def get_dataset(name: str) -> Dataset:
    """Return a data set by name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in DATASETS:
        raise UserError(f"unknown data set {name!r}; expected one of {', '.join(DATASETS)}")
    return DATASETS[name]
