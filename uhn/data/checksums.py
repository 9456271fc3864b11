"""Checksums of files and of folders of texts."""

from __future__ import annotations

import hashlib
from pathlib import Path


def folder_files(folder: Path) -> list[Path]:
    """Return a folder's ``<number>_<rating>.txt`` files in numeric order; files of other names are ignored."""
    numbered = {}
    for path in folder.iterdir():
        parts = path.stem.split("_")
        if path.suffix == ".txt" and len(parts) == 2 and all(part.isdecimal() for part in parts):
            numbered[int(parts[0]), int(parts[1])] = path
    return [numbered[key] for key in sorted(numbered)]


def checksum(path: Path, algorithm: str = "sha256") -> str:
    """Return ``<algorithm>:<hex digest>`` of a file, or of the names and contents of a folder's texts."""
    if path.is_dir():
        digest = hashlib.new(algorithm)
        for file in folder_files(path):
            digest.update(f"{file.name}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    else:
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, algorithm)
    return f"{algorithm}:{digest.hexdigest()}"


def size(path: Path) -> int:
    """Return the bytes of a file, or of all texts of a folder."""
    if path.is_dir():
        return sum(file.stat().st_size for file in folder_files(path))
    return path.stat().st_size
