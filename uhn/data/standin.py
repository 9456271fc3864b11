"""Procedural data sets in the published file formats, for work without downloads: small, learnable, not the real thing.

Each set is written in the layout and format of its published files, so the same loaders read it, and beside it a marker
with its checksums, so that no loader takes it for published data or the other way round. Same seed, same bytes.
Sizes: 512 training and 256 test images (10 classes, as published); graphs of 20 training nodes a class, 500 validation
nodes (a number that the format fixes) and 300 test nodes; 600 training and 300 test texts.
"""

from __future__ import annotations

import gzip
import io
import pickle
import struct
from collections import defaultdict
from pathlib import Path

import numpy as np
import scipy.sparse

from uhn.data.catalogue import Dataset, get_dataset
from uhn.data.checksums import checksum
from uhn.data.cifar10 import BATCHES
from uhn.data.mnist import PREFIX
from uhn.data.verify import is_standin, marker_path, standin_code
from uhn.errors import UserError
from uhn.files import write_json

IMAGES = {"train": 512, "test": 256}
TEXTS = {"train": 600, "test": 300}
TRAIN_NODES_PER_CLASS, VAL_NODES, TEST_NODES = 20, 500, 300
FEATURES, FEATURES_PER_NODE, NEIGHBOURS = 64, 8, 3


def write_standin(name: str, folder: Path, seed: int = 0) -> None:
    """Write a stand-in of a data set into a folder.

    Args:
        name: the data set.
        folder: made if need be; it must not hold published files of this set.
        seed: what the content is drawn from.

    Raises:
        UserError: published files are in the way, or the folder cannot be written.
    """
    dataset, folder = get_dataset(name), Path(folder)
    marker = marker_path(name, folder)
    if not is_standin(name, folder) and (taken := [f.path for f in dataset.files if (folder / f.path).exists()]):
        raise UserError(f"{folder / taken[0]}: already there and not of a stand-in; name another folder")
    rng = np.random.default_rng([seed, list(WRITERS).index(name)])
    try:
        write_json(marker, {"files": {}})  # half a stand-in is marked too, and incomplete
        WRITERS[name](dataset, folder, rng)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written ({error.strerror}); free space or name another folder") from error
    sums = {file.path: checksum(folder / file.path) for file in dataset.files}
    write_json(marker, {"dataset": name, "seed": seed, "code": standin_code(), "files": sums})


def _write(path: Path, payload: bytes) -> None:
    """Write a file; the checksums, written last, are what makes a stand-in complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(payload)


def _draw_images(rng: np.random.Generator, count: int, prototypes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Draw noisy, shifted copies of one smooth pattern per class, each with some of another class's pattern.

    Shapes:
        prototypes (classes, channels, size, size) -> images (count, channels, size, size) uint8, labels (count,)
    """
    labels = rng.permutation(np.arange(count) % len(prototypes))
    shifts = rng.integers(-2, 3, (count, 2))
    others = (labels + rng.integers(1, len(prototypes), count)) % len(prototypes)
    mixed = prototypes[labels] + rng.uniform(0, 1, (count, 1, 1, 1)) * prototypes[others]
    images = np.stack([np.roll(image, shift, (1, 2)) for image, shift in zip(mixed, shifts, strict=True)])
    images = 128 + 30 * images + rng.normal(0, 60, images.shape)
    return images.clip(0, 255).astype(np.uint8), labels


def _prototypes(rng: np.random.Generator, classes: int, channels: int, size: int) -> np.ndarray:
    """Draw patterns of unit variance: 6 x 6 random values, interpolated linearly."""
    coarse = rng.normal(size=(classes, channels, 6, 6))
    place = np.linspace(0, 5, size)
    weights = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(6)))
    smooth = np.einsum("yi,kcij,xj->kcyx", weights, coarse, weights)
    return smooth / smooth.std(axis=(1, 2, 3), keepdims=True)


def _idx(values: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return gzip.compress(header + values.astype(np.uint8).tobytes(), mtime=0)


def _write_mnist(dataset: Dataset, folder: Path, rng: np.random.Generator) -> None:
    prototypes = _prototypes(rng, dataset.classes, 1, 28)
    for split, count in IMAGES.items():
        images, labels = _draw_images(rng, count, prototypes)
        raw = folder / "MNIST/raw"
        _write(raw / f"{PREFIX[split]}-images-idx3-ubyte.gz", _idx(images[:, 0]))
        _write(raw / f"{PREFIX[split]}-labels-idx1-ubyte.gz", _idx(labels))


def _write_cifar10(dataset: Dataset, folder: Path, rng: np.random.Generator) -> None:
    prototypes = _prototypes(rng, dataset.classes, 3, 32)
    for split, count in IMAGES.items():
        images, labels = _draw_images(rng, count, prototypes)
        for name, rows in zip(BATCHES[split], np.array_split(np.arange(count), len(BATCHES[split])), strict=True):
            batch = {"data": images[rows].reshape(len(rows), -1), "labels": labels[rows].tolist()}
            _write(folder / "cifar-10-batches-py" / name, pickle.dumps(batch, protocol=4))


def _write_graph(dataset: Dataset, folder: Path, rng: np.random.Generator) -> None:
    """Nodes link mostly within their class; each class prefers a share of the features."""
    train = TRAIN_NODES_PER_CLASS * dataset.classes
    nodes = train + VAL_NODES + TEST_NODES
    parts = (train, VAL_NODES, TEST_NODES)  # each holds every class
    labels = np.concatenate([rng.permutation(np.arange(count) % dataset.classes) for count in parts])

    favourites = np.array_split(rng.permutation(FEATURES), dataset.classes)
    features = np.zeros((nodes, FEATURES), np.float32)
    graph = defaultdict(list, {node: [] for node in range(nodes)})
    for node, label in enumerate(labels):
        likely = np.where(np.isin(np.arange(FEATURES), favourites[label]), 4.0, 1.0)
        features[node, rng.choice(FEATURES, FEATURES_PER_NODE, replace=False, p=likely / likely.sum())] = 1
        likely = np.where(labels == label, 4.0, 0.5)
        likely[node] = 0
        for other in rng.choice(nodes, NEIGHBOURS, replace=False, p=likely / likely.sum()).tolist():
            graph[node].append(other)
            graph[other].append(node)

    one_hot = np.eye(dataset.classes, dtype=np.int32)[labels]
    known = slice(0, train + VAL_NODES)
    test = rng.permutation(np.arange(train + VAL_NODES, nodes))  # rows of tx and ty are in this order
    contents = {
        "x": scipy.sparse.csr_matrix(features[:train]),
        "tx": scipy.sparse.csr_matrix(features[test]),
        "allx": scipy.sparse.csr_matrix(features[known]),
        "y": one_hot[:train],
        "ty": one_hot[test],
        "ally": one_hot[known],
        "graph": graph,
    }
    raw = folder / "planetoid" / dataset.title / "raw"
    for part, values in contents.items():
        _write(raw / f"ind.{dataset.name}.{part}", pickle.dumps(values, protocol=4))
    _write(raw / f"ind.{dataset.name}.test.index", "".join(f"{node}\n" for node in test).encode())


class _Language:
    """Sentences of made-up words: frequent ones that all classes share, and a few topic words of each class."""

    def __init__(self, rng: np.random.Generator, classes: int) -> None:
        syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
        words = {"".join(rng.choice(syllables, rng.integers(2, 5))) for _ in range(700)}
        words = rng.permutation(sorted(words))[:600].tolist()
        words[:3] = ["the", "it's", "don't"]
        self.rng = rng
        self.topics = [words[300 + 15 * label : 315 + 15 * label] for label in range(classes)]
        self.common = words[:300]
        rank = 1 / np.arange(1, 301)
        self.rank = rank / rank.sum()

    def sentence(self, label: int, length: int) -> str:
        """Return words of which one in three is a topic word, of the text's own class three times in four."""
        rng = self.rng
        topics = np.where(rng.random(length) < 0.75, label, rng.integers(len(self.topics), size=length))
        places = rng.integers(len(self.topics[0]), size=length)
        common = rng.choice(self.common, length, p=self.rank)
        on_topic = rng.random(length) < 1 / 3
        words = [
            self.topics[topic][place] if special else word
            for special, topic, place, word in zip(on_topic, topics, places, common, strict=True)
        ]
        return " ".join(words).capitalize() + "."


def _labels(rng: np.random.Generator, count: int, classes: int) -> list[int]:
    return rng.permutation(np.arange(count) % classes).tolist()


def _write_ag_news(dataset: Dataset, folder: Path, rng: np.random.Generator) -> None:
    language = _Language(rng, dataset.classes)
    for split, count in TEXTS.items():
        rows = io.StringIO()
        for label in _labels(rng, count, dataset.classes):
            title = language.sentence(label, int(rng.integers(3, 8)))
            rows.write(f'"{label + 1}","{title}","{language.sentence(label, int(rng.integers(12, 36)))}"\n')
        _write(folder / "ag_news_csv" / f"{split}.csv", rows.getvalue().encode())


def _write_imdb(dataset: Dataset, folder: Path, rng: np.random.Generator) -> None:
    language = _Language(rng, dataset.classes)
    for split, count in TEXTS.items():
        for label, (name, rating) in enumerate((("neg", 2), ("pos", 9))):
            for number in range(count // 2):
                halves = (language.sentence(label, int(rng.integers(10, 40))) for _ in range(2))
                path = folder / "aclImdb" / split / name / f"{number}_{rating}.txt"
                _write(path, "<br /><br />".join(halves).encode())


WRITERS = {
    "mnist": _write_mnist,
    "cifar10": _write_cifar10,
    "citeseer": _write_graph,
    "cora": _write_graph,
    "pubmed": _write_graph,
    "ag_news": _write_ag_news,
    "imdb": _write_imdb,
}
