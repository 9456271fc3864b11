"""A printed table before any markup: title, caption, and what stands in which field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

UNKNOWN = "unknown"
NOTHING = "-"


@dataclass(frozen=True)
class Text:
    """The content of one field.

    Attributes:
        text: what it says.
        bold: the best of its row, or agreement with the paper.
        grey: the paper's, beside ours but not to be compared with it.
        marks: what stands behind it, e.g. ``(n = 2)``.
    """

    text: str
    bold: bool = False
    grey: bool = False
    marks: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Grid:
    """A table of texts.

    Attributes:
        groups: (title, number of columns) from left to right; an empty title has no rule under it.
        heads: one heading per column.
        text_columns: whether a column is text (else numbers).
        blocks: the lines; a block's lines belong together.
    """

    groups: list[tuple[str, int]]
    heads: list[str]
    text_columns: list[bool]
    blocks: list[list[list[Text]]]


@dataclass(frozen=True)
class Document:
    """A table ready for markup.

    Attributes:
        number: in the paper; None of a table of our own.
        title: without the number.
        caption: its sentences, three at most.
        grid: what is printed.
        frame: the long frame, for the CSV.
        warnings: those that the caption carries.
    """

    number: int | None
    title: str
    caption: Sequence[str]
    grid: Grid
    frame: pd.DataFrame
    warnings: Sequence[str] = ()

    @property
    def heading(self) -> str:
        """What stands before the title: the number in the paper, or that it has none."""
        return "Beyond the paper" if self.number is None else f"Table {self.number}"
