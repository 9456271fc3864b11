"""Texts that a user brings: Penn Treebank, enwik8, or three files of their own. A character is a byte."""

from __future__ import annotations

from pathlib import Path

from uhn.errors import UserError

PENN_TREEBANK_FILES = {"train": "ptb.train.txt", "val": "ptb.valid.txt", "test": "ptb.test.txt"}
# As the paper states them (Ha, Dai, Le 2016, A.3.3), in millions of characters.
PENN_TREEBANK_MILLIONS = {"train": "5.10", "val": "0.40", "test": "0.45"}
PENN_TREEBANK_SYMBOLS = 50

ENWIK8_BYTES = 100_000_000
ENWIK8_SPLITS = {"train": (0, 90_000_000), "val": (90_000_000, 95_000_000), "test": (95_000_000, ENWIK8_BYTES)}
ENWIK8_SYMBOLS = 205

OWN_FILES = {"train": "train.txt", "val": "val.txt", "test": "test.txt"}


def read_penn_treebank(folder: Path, split: str) -> bytes:
    """Read one split of Mikolov's Penn Treebank, the word-level files with all their spaces and line ends.

    The ``ptb.char.*.txt`` files of the same archive lack two characters of each line and are refused by their size.

    Raises:
        UserError: the file is missing or has another size than the paper states.
    """
    path = Path(folder) / PENN_TREEBANK_FILES[split]
    content = _read(path, "a file of Mikolov's Penn Treebank")
    found, expected = f"{len(content) / 1e6:.2f}", PENN_TREEBANK_MILLIONS[split]
    if found != expected:
        raise UserError(
            f"{path}: expected {expected} million characters, found {found} ({len(content):,}); "
            "take the file of simple-examples/data as it is"
        )
    return content


def read_enwik8(folder: Path, split: str) -> bytes:
    """Read one split of enwik8: the first 90, the next 5 and the last 5 of its 100 million bytes.

    Raises:
        UserError: the file is missing or of another size.
    """
    path = Path(folder) / "enwik8"
    content = _read(path, "the unpacked file enwik8")
    if len(content) != ENWIK8_BYTES:
        raise UserError(
            f"{path}: expected exactly {ENWIK8_BYTES:,} bytes, found {len(content):,}; unpack enwik8.zip again"
        )
    return content[slice(*ENWIK8_SPLITS[split])]


def read_own(folder: Path, split: str) -> bytes:
    """Read ``train.txt``, ``val.txt`` or ``test.txt``.

    Raises:
        UserError: the file is missing.
    """
    return _read(Path(folder) / OWN_FILES[split], "a text")


def _read(path: Path, expected: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: expected {expected}, found {error.strerror}; name the folder that holds it") from None
