"""Facts about data that come from files."""

from __future__ import annotations

import hashlib
import json

from uhn.data.sources import DataSource
from uhn.training.tasks.base import DataFacts


def describe_files(
    dataset: str, source: DataSource, checksums: dict[str, str], note: str = "", **sizes: int
) -> DataFacts:
    """Return the facts about data read from files with these checksums."""
    digest = hashlib.sha256(json.dumps(checksums, sort_keys=True).encode()).hexdigest()
    return DataFacts(dataset, source.kind, note or None, digest, sizes)
