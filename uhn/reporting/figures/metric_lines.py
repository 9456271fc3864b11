"""Reading metrics.jsonl."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from uhn.errors import UserError


def read_metric_lines(path: Path) -> list[dict[str, Any]]:
    """Return the entries of a ``metrics.jsonl``.

    Raises:
        UserError: the file is missing or a line is damaged.
    """
    try:
        texts = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); rerun the training job") from None
    entries = []
    for number, text in enumerate(texts, start=1):
        try:
            entry = json.loads(text)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            raise UserError(f"{path}: line {number} is no JSON object; rerun the training job")
        entries.append(entry)
    return entries
