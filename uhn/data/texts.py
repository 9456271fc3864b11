"""Text sets as token ids, cached once tokenised, and their batches on the device (AG News, IMDB)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from uhn.data import ag_news, imdb
from uhn.data.catalogue import get_dataset
from uhn.data.labels import require_classes
from uhn.data.text import PAD, TEXT_VERSION, VOCABULARY_SIZE, build_vocabulary, encode
from uhn.data.verify import require_files
from uhn.errors import UserError
from uhn.files import write_bytes

READERS = {"ag_news": ag_news.read_texts, "imdb": imdb.read_texts}
MAX_LENGTH = {"ag_news": 128, "imdb": 512}


@dataclass(frozen=True)
class TextSet:
    """One split of a text set, on the CPU: how long a batch is, and which words it reads, needs no wait for a device.

    Args:
        tokens: ids of all texts, one after the other, each from cls on.
        offsets: where each text starts, and the end.
        labels: classes.
        vocabulary_size: entries of the vocabulary, at most 5,000.
        note: what whoever shows a result must say about the data; empty if nothing.
        checksums: of the files that were read, by path; the vocabulary's are among them.

    Shapes:
        tokens (total,) int16, offsets (n + 1,) int64, labels (n,) int64
    """

    tokens: Tensor
    offsets: Tensor
    labels: Tensor
    vocabulary_size: int
    note: str
    checksums: dict[str, str]


def pad_batch(texts: TextSet, indices: Tensor) -> tuple[Tensor, Tensor]:
    """Gather texts, padded to the longest of them.

    Args:
        texts: the set.
        indices: which texts.

    Shapes:
        indices (b,) -> ids (b, longest) int64, mask (b, longest) bool, true on padding
    """
    starts = texts.offsets[indices]
    lengths = texts.offsets[indices + 1] - starts
    steps = torch.arange(int(lengths.max()))
    inside = steps < lengths[:, None]
    ids = texts.tokens[torch.where(inside, starts[:, None] + steps, 0)].long()
    ids = torch.where(inside, ids, PAD)
    return ids, ids == PAD


def load_texts(
    name: str, folder: Path, split: Literal["train", "test"], cache_dir: Path, *, standin: bool = False
) -> TextSet:
    """Load one split in file order. The vocabulary is that of the full training part, whichever split is loaded.

    Args:
        name: "ag_news" or "imdb".
        folder: holds ``ag_news_csv`` or ``aclImdb``.
        split: which part; loading the training part opens no test file.
        cache_dir: where encoded texts are kept; a cache of other files, or a damaged one, is made again.
        standin: whether stand-in data are asked for; neither kind is taken for the other.

    Raises:
        UserError: a file is missing or damaged, or a class is empty.
    """
    dataset = get_dataset(name)
    if name not in READERS:
        raise UserError(f"{dataset.title} is not a text set; expected one of {', '.join(READERS)}")
    checksums = require_files(name, folder, "train", standin=standin)
    if split != "train":
        checksums |= require_files(name, folder, split, standin=standin)
    inputs = [TEXT_VERSION, name, split, MAX_LENGTH[name], VOCABULARY_SIZE, checksums]
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()

    path = Path(cache_dir) / f"{name}_{split}_{key[:16]}.safetensors"
    content = _read_cache(path, key)
    if content is None:
        _write_cache(path, key, *_encode_split(name, folder, split, READERS[name]))
        content = _read_cache(path, key)
        if content is None:
            raise UserError(f"{path}: reads otherwise than it was written; check the disk or name another cache folder")
    tensors, facts = content
    require_classes(tensors["labels"], dataset.classes, f"{dataset.title} {split} part in {folder}")
    return TextSet(**tensors, vocabulary_size=int(facts["vocabulary_size"]), note=facts["note"], checksums=checksums)


Reader = Callable[[Path, str], tuple[list[str], list[int], str]]


def _encode_split(name: str, folder: Path, split: str, read: Reader) -> tuple[dict[str, Tensor], dict[str, str]]:
    training, labels, note = read(folder, "train")
    vocabulary = build_vocabulary(training)
    texts, labels = (training, labels) if split == "train" else read(folder, split)[:2]
    encoded = [encode(text, vocabulary, MAX_LENGTH[name]) for text in texts]
    lengths = torch.tensor([0, *map(len, encoded)], dtype=torch.int64)
    tensors = {
        "tokens": torch.tensor([token for ids in encoded for token in ids], dtype=torch.int16),
        "offsets": lengths.cumsum(0),
        "labels": torch.tensor(labels, dtype=torch.int64),
    }
    return tensors, {"vocabulary_size": str(len(vocabulary)), "note": note}


def _content_digest(tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for key in sorted(tensors):
        digest.update(tensors[key].numpy().tobytes())
    return digest.hexdigest()


def _write_cache(path: Path, key: str, tensors: dict[str, Tensor], facts: dict[str, str]) -> None:
    facts = facts | {"key": key, "content": _content_digest(tensors)}
    write_bytes(path, save(tensors, {"facts": json.dumps(facts)}))  # one entry: their order would vary


def _read_cache(path: Path, key: str) -> tuple[dict[str, Tensor], dict[str, str]] | None:
    """Return tensors and facts, or None if there is no such cache or it is not what was written."""
    try:
        payload = path.read_bytes()  # not mapped: a cache that another process replaces must not change under us
        tensors = load(payload)
        header = json.loads(payload[8 : 8 + int.from_bytes(payload[:8], "little")])
        facts = json.loads(header["__metadata__"]["facts"])
    except (OSError, SafetensorError, ValueError, KeyError):
        return None
    if facts.get("key") != key or facts.get("content") != _content_digest(tensors):
        return None
    return tensors, facts
