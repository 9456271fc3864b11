"""From text to token ids: tokeniser, vocabulary, encoding (paper, appendix on data)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

UNKNOWN, PAD, CLS = 0, 1, 2
SPECIALS = ("<unk>", "<pad>", "<cls>")
VOCABULARY_SIZE = 5000

# Raised when a change below alters token ids: encoded texts are cached under it.
TEXT_VERSION = 1

_TOKEN = re.compile(r"\w+'\w+|\w+|[^\w\s]")


def tokenise(text: str) -> list[str]:
    """Split lower-cased text into words, words with one inner apostrophe, and single other characters.

    Word characters and white space are Unicode's; scanning goes from left to right.
    """
    return _TOKEN.findall(text.lower())


def build_vocabulary(texts: Iterable[str], size: int = VOCABULARY_SIZE) -> dict[str, int]:
    """Count tokens and number the most frequent ones from 3 on; ties keep the order of first occurrence.

    Args:
        texts: the full training part, later validation examples included.
        size: entries at most, the three special ones included.

    Returns:
        Id by token, in the order of the ids.
    """
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(tokenise(text))
    frequent = [token for token, _ in counts.most_common(size - len(SPECIALS))]
    return {token: number for number, token in enumerate([*SPECIALS, *frequent])}


def encode(text: str, vocabulary: dict[str, int], max_length: int) -> list[int]:
    """Return cls and the ids of the first ``max_length - 1`` tokens."""
    tokens = tokenise(text)[: max_length - 1]
    return [CLS, *(vocabulary.get(token, UNKNOWN) for token in tokens)]
