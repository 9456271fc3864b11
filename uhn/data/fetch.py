"""Downloads: canonical address, checksum before use, archives unpacked file by file."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from uhn.data.catalogue import DataFile, Dataset, get_dataset
from uhn.data.verify import SUBSET, inspect, is_standin, require_files
from uhn.errors import UserError


def default_folder(name: str) -> Path:
    """Return where a data set is downloaded to, relative to the working directory."""
    return Path("resources") / name


def fetch(name: str, folder: Path) -> bool:
    """Download what a folder lacks of a data set. Damaged files are replaced, others are left alone.

    Returns:
        Whether anything had to be downloaded.

    Raises:
        UserError: no network, a wrong checksum, no space, or a stand-in is in the way.
    """
    dataset, folder = get_dataset(name), Path(folder)
    if is_standin(name, folder):
        raise UserError(f"{folder}: holds a stand-in of {dataset.title}; name another folder")
    bad = {finding.path for finding in inspect(name, folder) if finding.state != "ok"}
    wanted = [file for file in dataset.files if file.path in bad or (file.path.endswith("train.csv") and SUBSET in bad)]
    if not wanted:
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if dataset.archive:
            with TemporaryDirectory(dir=folder, prefix=".fetch") as workspace:
                archive = _retrieve(dataset, dataset.url, dataset.archive, Path(workspace))
                _unpack(archive, wanted, Path(workspace) / "unpacked", folder)
        else:
            for file in wanted:
                path = folder / file.path
                _retrieve(dataset, dataset.url + path.name, file.checksum, path.parent)
    except OSError as error:
        raise UserError(
            f"{folder}: cannot be written ({error.strerror or error}); free space or name another folder"
        ) from error
    require_files(name, folder)
    return True


def _retrieve(dataset: Dataset, url: str, known_hash: str, folder: Path) -> Path:
    """Download one file with pooch, which moves it into place only if its checksum matches."""
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=30)
    try:
        return Path(pooch.retrieve(url, known_hash, fname=url.split("/")[-1], path=folder, downloader=downloader))
    except requests.exceptions.RequestException as error:
        reason = f"no answer ({type(error).__name__})"
        if error.response is not None:
            reason = f"status {error.response.status_code}"
    except ValueError as error:
        reason = f"expected {known_hash}, the download has another checksum" if "hash" in str(error) else str(error)
    raise UserError(
        f"{url}: cannot be downloaded: {reason}; try again with a network, or copy the files of {dataset.title} into "
        f"a local folder and check it: uhn data verify {dataset.name} --folder DIR"
    )


def _unpack(archive: Path, wanted: list[DataFile], workspace: Path, folder: Path) -> None:
    """Unpack the wanted files beside, then move each into place. The archive's checksum has matched before."""
    paths = {PurePosixPath(file.path) for file in wanted}
    names = []
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                name = PurePosixPath(member.name)
                if member.isfile() and not paths.isdisjoint((name, *name.parents)):
                    _unpack_file(tar, member, workspace / name)
                    names.append(name)
    except (tarfile.TarError, EOFError) as error:
        raise UserError(
            f"{archive.name}: not a clean archive ({error}); give a local folder of unpacked files"
        ) from error
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(workspace / name, target)


def _unpack_file(tar: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Write one regular file. ``extractall`` checks names only from Python 3.11.4 on, and Debian 12 has 3.11.2."""
    if ".." in PurePosixPath(member.name).parts:
        raise tarfile.TarError(f"{member.name} leaves the folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tar.extractfile(member) as content, open(target, "wb") as file:
        shutil.copyfileobj(content, file)
