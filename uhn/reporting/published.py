"""The files of a table or figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from uhn.files import write_bytes


@dataclass(frozen=True)
class Published:
    """The files that were written and the warnings that their captions carry."""

    paths: list[Path]
    warnings: Sequence[str]


def write_files(out: Path, stem: str, contents: Mapping[str, bytes]) -> list[Path]:
    """Write ``<stem>.<ending>`` for every ending into a folder; return the paths."""
    paths = [out / f"{stem}.{ending}" for ending in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        write_bytes(path, content)
    return paths


def to_csv(frame: pd.DataFrame) -> bytes:
    """Write a long frame as CSV."""
    return frame.to_csv(index=False, lineterminator="\n").encode()
