"""A printed table as GitHub Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from uhn.reporting.document import Document, Text


def to_markdown(document: Document) -> str:
    """Write title, caption and table; a group's title precedes its heads (Markdown has no grouped ones)."""
    grid = document.grid
    titles = [title for title, width in grid.groups for _ in range(width)]
    heads = [escape(f"{title}: {head}" if title else head) for title, head in zip(titles, grid.heads, strict=True)]
    rules = [":--" if text else "--:" for text in grid.text_columns]
    lines = [fields for block in grid.blocks for fields in block]
    return "\n".join(
        [
            f"**{document.heading}. {escape(document.title)}.**",
            "",
            escape(" ".join(document.caption)),
            "",
            _line(heads),
            _line(rules),
            *(_line([_field(field) for field in fields]) for fields in lines),
            "",
        ]
    )


def escape(text: str) -> str:
    """Escape what Markdown would read as markup."""
    return re.sub(r"([\\`*|<>\[\]]|(?<![^\W_])_|_(?![^\W_]))", r"\\\1", text)


def _line(fields: Sequence[str]) -> str:
    return f"| {' | '.join(fields)} |"


def _field(field: Text) -> str:
    text = escape(field.text)
    if field.bold:
        text = f"**{text}**"
    elif field.grey and text:
        text = f"<sub>{text}</sub>"  # GitHub knows no colours
    return " ".join([text, *map(_field, field.marks)])
