"""Facts about the data of a run, which its files state."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from uhn.data.sources import DataSource


@dataclass(frozen=True)
class DataFacts:
    """What the files of a run say about the data of one task.

    Args:
        dataset: name of the data set.
        source: ``formula``, ``download``, ``local`` or ``standin``.
        note: what whoever shows a result must say about the data, or None.
        sha256: over the training data.
        sizes: of the target model that the data decide, e.g. the number of features.
    """

    dataset: str
    source: str
    note: str | None
    sha256: str
    sizes: dict[str, int] = field(default_factory=dict)


def describe_files(
    dataset: str, source: DataSource, checksums: dict[str, str], note: str = "", **sizes: int
) -> DataFacts:
    """Return the facts about data read from files with these checksums."""
    digest = hashlib.sha256(json.dumps(checksums, sort_keys=True).encode()).hexdigest()
    return DataFacts(dataset, source.kind, note or None, digest, sizes)


def describe_data(facts: list[DataFacts]) -> dict[str, Any]:
    """Return the data section of run.json; several tasks share the source of those that read files."""
    sources = [fact.source for fact in facts if fact.source != "formula"] or ["formula"]
    digests = [fact.sha256 for fact in facts]
    return {
        "dataset": ", ".join(fact.dataset for fact in facts),
        "source": sources[0],
        "note": "; ".join(fact.note for fact in facts if fact.note) or None,
        "sizes": [fact.sizes for fact in facts],
        "train_sha256": digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest(),
    }
