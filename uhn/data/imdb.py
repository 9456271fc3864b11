"""IMDB's labelled reviews, one file each (Maas et al. 2011); the unlabelled ones are ignored.

Deviation: the release reads the files in the order the file system lists them, which decides ties of the vocabulary;
we read them in numeric order of their names, all negative ones before the positive ones.
"""

from __future__ import annotations

from pathlib import Path

from uhn.data.checksums import folder_files
from uhn.errors import UserError

CLASSES = ("neg", "pos")


def read_texts(folder: Path, split: str) -> tuple[list[str], list[int], str]:
    """Read one split.

    Returns:
        Reviews, stripped at the ends, with their HTML breaks; labels (0 negative, 1 positive); an empty note.

    Raises:
        UserError: a review is not UTF-8.
    """
    texts, labels = [], []
    for label, name in enumerate(CLASSES):
        for path in folder_files(Path(folder) / "aclImdb" / split / name):
            try:
                texts.append(path.read_text(encoding="utf-8").strip())
            except UnicodeDecodeError as error:
                raise UserError(f"{path}: expected UTF-8 text, came {error}; get the published file again") from error
            labels.append(label)
    return texts, labels, ""
