"""Texts as sequences of symbols, one for each character."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from uhn.data import local_texts, shakespeare
from uhn.errors import UserError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Corpus:
    """Where a text comes from.

    Args:
        title: as in prose.
        read: returns the bytes of one split of the text in a folder.
        symbols: size of the alphabet, if the text is known beforehand.
        alphabet_splits: splits whose characters make up the alphabet.
    """

    title: str
    read: Callable[[Path, str], bytes]
    symbols: int | None = None
    alphabet_splits: tuple[str, ...] = ("train",)


CORPORA = {
    "shakespeare": Corpus("Shakespeare", shakespeare.read_split, 84),
    "penn_treebank": Corpus("Penn Treebank", local_texts.read_penn_treebank, local_texts.PENN_TREEBANK_SYMBOLS),
    # the 205 symbols are those of the whole file, which size the model
    "enwik8": Corpus("enwik8", local_texts.read_enwik8, local_texts.ENWIK8_SYMBOLS, SPLITS),
    "text": Corpus("text", local_texts.read_own),
}


@dataclass(frozen=True)
class CharacterText:
    """One split of a text.

    Args:
        symbols: number of each character in the alphabet.
        alphabet: the characters, one byte each, in ascending order.

    Shapes:
        symbols (length,) uint8
    """

    symbols: Tensor
    alphabet: bytes

    def __len__(self) -> int:
        return len(self.symbols)

    def decode(self, symbols: Tensor) -> str:
        """Return symbols as text; bytes that are no characters become replacement characters."""
        return bytes(self.alphabet[symbol] for symbol in symbols.tolist()).decode(errors="replace")


def load_characters(name: str, folder: Path | None, split: str) -> CharacterText:
    """Load one split of a text. Its alphabet is that of the training text, whichever split is loaded.

    Args:
        name: "shakespeare", "penn_treebank", "enwik8", or "text" for ``train.txt``, ``val.txt`` and ``test.txt``.
        folder: holds the files; None for those of the installed package ``shakespeare``.
        split: "train", "val" or "test"; loading the training text opens no other file.

    Raises:
        UserError: no such text or split; a file is missing, empty or not the published one; a character is not in
            the alphabet.
    """
    if name not in CORPORA:
        raise UserError(f"text: expected one of {', '.join(CORPORA)}, got '{name}'")
    if split not in SPLITS:
        raise UserError(f"split: expected one of {', '.join(SPLITS)}, got '{split}'")
    if folder is None:
        if name != "shakespeare":
            raise UserError(f"{CORPORA[name].title}: expected the folder of its files, got none; name it")
        folder = shakespeare.package_folder()
    corpus = CORPORA[name]
    texts = {each: corpus.read(folder, each) for each in dict.fromkeys((split, *corpus.alphabet_splits))}
    for each, text in texts.items():
        if not text:
            raise UserError(f"{corpus.title}, {each} text in {folder}: expected characters, found none")
    alphabet = find_alphabet(*(texts[each] for each in corpus.alphabet_splits))
    if corpus.symbols not in (None, len(alphabet)):
        raise UserError(
            f"{corpus.title} in {folder}: expected {corpus.symbols} different characters, found {len(alphabet)}; "
            "take the published files as they are"
        )
    return CharacterText(encode(texts[split], alphabet, f"{corpus.title}, {split} text"), alphabet)


def find_alphabet(*texts: bytes) -> bytes:
    """Return the different bytes of some texts in ascending order."""
    return bytes(byte for byte in range(256) if any(byte in text for text in texts))


def encode(text: bytes, alphabet: bytes, title: str) -> Tensor:
    """Number the characters of a text.

    Args:
        text: one byte for each character.
        alphabet: from `find_alphabet`.
        title: of the text, for the error.

    Shapes:
        (length,) uint8

    Raises:
        UserError: a character is not in the alphabet.
    """
    if strange := text.translate(None, delete=alphabet)[:1]:
        raise UserError(
            f"{title}: expected the {len(alphabet)} characters of the alphabet, found {strange!r} at position "
            f"{text.index(strange):,}; remove it or have it in the training text"
        )
    number = bytearray(256)
    for index, byte in enumerate(alphabet):
        number[byte] = index
    return torch.frombuffer(bytearray(text.translate(number)), dtype=torch.uint8)
