"""AG News' CSV files: class 1 to 4, title, description (Zhang et al. 2015).

Deviation: the release counts a header row into the vocabulary; the distribution we name has no header row.
"""

from __future__ import annotations

import csv
from pathlib import Path

from uhn.data.catalogue import get_dataset
from uhn.data.verify import SUBSET
from uhn.errors import UserError


def text_file(folder: Path, split: str) -> Path:
    """Return the file of a split; the training subset where the full training file is not there."""
    full = Path(folder) / "ag_news_csv" / f"{split}.csv"
    subset = Path(folder) / SUBSET
    return subset if split == "train" and not full.exists() and subset.exists() else full


def read_texts(folder: Path, split: str) -> tuple[list[str], list[int], str]:
    """Read one split.

    Returns:
        Texts (title, one space, description), labels (0 World, 1 Sports, 2 Business, 3 Sci/Tech), and a note that
        says so if the training texts are a subset; otherwise empty.

    Raises:
        UserError: a row is not of this form.
    """
    path = text_file(folder, split)
    texts, labels = [], []
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            for number, row in enumerate(csv.reader(stream), start=1):
                if len(row) != 3 or row[0] not in ("1", "2", "3", "4"):
                    raise UserError(
                        f"{path}: row {number}: expected a class from 1 to 4, title and description without a header "
                        f"row, found {len(row)} fields that start with {row[0][:20] if row else ''!r}"
                    )
                texts.append(f"{row[1]} {row[2]}")
                labels.append(int(row[0]) - 1)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: expected UTF-8 CSV, came something else ({error}); get it again") from error
    note = ""
    if path == Path(folder) / SUBSET:
        note = f"AG News: {len(texts):,} of {get_dataset('ag_news').train_examples:,} training rows"
    return texts, labels, note
