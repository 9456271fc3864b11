"""Where a job takes its data sets from. The choice is explicit; no source stands in for another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from uhn.data.fetch import default_folder, fetch
from uhn.data.verify import inspect, is_standin, marker_path, require_files, standin_code
from uhn.errors import UserError
from uhn.files import read_json
from uhn.locks import LockFile


@dataclass(frozen=True)
class DataSource:
    """A source of data sets.

    Args:
        kind: ``download``, ``local`` or ``standin``.
        folder: the local folder; None for the other two, which live under ``resources``.
    """

    kind: str
    folder: Path | None = None

    @classmethod
    def parse(cls, text: str) -> DataSource:
        """Read ``standin``, ``download`` or the name of a folder.

        Raises:
            UserError: there is no such folder.
        """
        if text in ("standin", "download"):
            return cls(text)
        if not Path(text).is_dir():
            raise UserError(f"data source '{text}': expected 'standin', 'download' or an existing folder")
        return cls("local", Path(text))

    @property
    def standin(self) -> bool:
        """Whether the data are stand-ins."""
        return self.kind == "standin"

    def folder_of(self, dataset: str) -> Path:
        """Return the folder that holds a data set of this source."""
        if self.kind == "local":
            return self.folder
        return Path("resources/standin") / dataset if self.standin else default_folder(dataset)

    def prepare(self, dataset: str) -> Path:
        """Make sure that a data set is there: write the stand-in, download, or check the local folder.

        Raises:
            UserError: no network, damaged or missing files, no space.
        """
        folder = self.folder_of(dataset)
        if self.standin:
            _write_standin_once(dataset, folder)
        elif self.kind == "download":
            fetch(dataset, folder)
        else:
            require_files(dataset, folder)
        return folder

    def open(self, dataset: str) -> Path:
        """Return the folder of a data set for reading; stand-ins are written where they are missing.

        What is read is checked by whoever reads it.
        """
        return self.prepare(dataset) if self.standin else self.folder_of(dataset)


STANDIN = DataSource("standin")


def _write_standin_once(dataset: str, folder: Path) -> None:
    """Write a stand-in unless a complete one of the present code is there; of several processes one writes."""
    remedy = "make it writable, or make resources a link to a folder on a local disk"
    with LockFile(folder.parent / f"{dataset}.lock", remedy) as lock:
        lock.take()
        if not is_standin(dataset, folder) or not _complete(dataset, folder):
            from uhn.data.standin import write_standin  # imports scipy, which most jobs do without

            write_standin(dataset, folder)


def _complete(dataset: str, folder: Path) -> bool:
    try:
        code = read_json(marker_path(dataset, folder)).get("code")
        return code == standin_code() and all(finding.usable for finding in inspect(dataset, folder))
    except UserError:
        return False
