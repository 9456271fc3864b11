"""A procedural text for demonstrations: made-up words in sentences, small and learnable, no real language."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from uhn.data.local_texts import OWN_FILES

CHARACTERS = {"train": 60_000, "val": 8_000, "test": 8_000}
WORDS = 60
_ONSETS, _VOWELS, _CODAS = list("bdfgklmnprstvz"), list("aeiou"), ["", "", "n", "r", "s", "l"]


def write_standin_text(folder: Path, seed: int = 0) -> None:
    """Write the three files of a text (`uhn.data.local_texts.read_own`). Same seed, same bytes."""
    rng = np.random.default_rng(seed)
    words = _draw_words(rng)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for split, name in OWN_FILES.items():
        text = ""
        while len(text) < CHARACTERS[split]:
            text += _draw_paragraph(rng, words)
        (Path(folder) / name).write_bytes(text[: CHARACTERS[split]].encode())


def _draw_words(rng: np.random.Generator) -> list[str]:
    """Draw different words of one to three syllables; the first are the most frequent."""
    words: list[str] = []
    while len(words) < WORDS:
        syllables = rng.integers(1, 4)
        word = "".join(rng.choice(sounds) for _ in range(syllables) for sounds in (_ONSETS, _VOWELS, _CODAS))
        if word not in words:
            words.append(word)
    return words


def _draw_paragraph(rng: np.random.Generator, words: list[str]) -> str:
    """Draw sentences of words with frequencies that fall as one over the rank."""
    share = 1 / np.arange(1, len(words) + 1)
    sentences = [
        " ".join(rng.choice(words, rng.integers(3, 9), p=share / share.sum())).capitalize() + "."
        for _ in range(rng.integers(2, 6))
    ]
    return " ".join(sentences) + "\n"
