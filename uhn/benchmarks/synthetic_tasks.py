"""Tasks of a run on random data of the true sizes: steps take as long as on the data set, and no file is read."""

from __future__ import annotations

import torch

from uhn.configuration.run import RunConfig, TaskConfig
from uhn.data.catalogue import get_dataset
from uhn.data.images import ImageSet
from uhn.data.standin import FEATURES, FEATURES_PER_NODE, NEIGHBOURS, TEST_NODES, TRAIN_NODES_PER_CLASS, VAL_NODES
from uhn.data.texts import MAX_LENGTH, TextSet
from uhn.layers.sparse_features import SparseFeatures
from uhn.training.tasks.base import Task
from uhn.training.tasks.facts import DataFacts
from uhn.training.tasks.graphs import NodeTask
from uhn.training.tasks.images import ImageTask
from uhn.training.tasks.regression import load_regression
from uhn.training.tasks.texts import TextTask

IMAGE_SHAPES = {"mnist": (1, 28, 28), "cifar10": (3, 32, 32)}
# Nodes, features, directed edges, share of the entries of the feature matrix that are not zero.
GRAPHS = {
    "cora": (2708, 1433, 10556, 0.0127),
    "citeseer": (3327, 3703, 9104, 0.0085),
    "pubmed": (19717, 500, 88648, 0.1),
}
# Entries of the vocabulary, and tokens of a text of median length, of the published data and of stand-ins.
VOCABULARY = {"published": 5000, "standin": 603}
TEXT_LENGTHS = {"ag_news": 48, "imdb": 256}

CPU = torch.device("cpu")


def make_task(config: RunConfig, task: TaskConfig, parts: int = 1) -> Task:
    """Make a task of a run with random data, on the CPU.

    Args:
        config: the run; its source decides between the sizes of published and of stand-in data.
        task: one of its tasks.
        parts: a batch has one of so many parts of the examples. Texts read as many words as those of a whole batch, so
            that as much of an embedding is generated.
    """
    match task.kind:
        case "formula_regression":
            return load_regression(config, task, "train", CPU)  # computed, not read
        case "image_classification":
            return _images(config, task, parts)
        case "node_classification":
            return _graph(config, task)
        case _:
            return _texts(config, task, parts)


def _images(config: RunConfig, task: TaskConfig, parts: int) -> ImageTask:
    size = task.batch_size // parts
    images = torch.randint(256, (size, *IMAGE_SHAPES[task.dataset]), dtype=torch.uint8)
    labels = torch.randint(get_dataset(task.dataset).classes, (size,))
    return ImageTask(_facts(config, task), ImageSet(images, labels, {}), size, config.seed)


def _graph(config: RunConfig, task: TaskConfig) -> NodeTask:
    classes = get_dataset(task.dataset).classes
    labelled = TRAIN_NODES_PER_CLASS * classes
    nodes, features, edges, density = GRAPHS[task.dataset]
    if config.source == "standin":
        nodes, features = labelled + VAL_NODES + TEST_NODES, FEATURES
        edges, density = 2 * NEIGHBOURS * nodes, FEATURES_PER_NODE / FEATURES
    values = (torch.rand(nodes, features) < density).float()
    facts = _facts(config, task, features=features, classes=classes)
    labels = torch.randint(classes, (labelled,))
    sources = torch.randint(nodes, (edges,)).sort().values  # the order of the published files
    edge_index = torch.stack([sources, torch.randint(nodes, (edges,))])
    return NodeTask(facts, SparseFeatures.from_dense(values), edge_index, torch.arange(labelled), labels)


def _texts(config: RunConfig, task: TaskConfig, parts: int) -> TextTask:
    """A batch is padded to its longest text: one has the largest length, the others the median one."""
    size, vocabulary = task.batch_size // parts, VOCABULARY[config.source]
    lengths = torch.full((size,), TEXT_LENGTHS[task.dataset])
    lengths[0] = MAX_LENGTH[task.dataset]
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    # Frequencies of words fall with their rank (Zipf)
    frequencies = 1 / torch.arange(1.0, vocabulary + 1)
    words = torch.multinomial(frequencies, parts * int(offsets[-1]), replacement=True).unique()
    tokens = words[torch.arange(int(offsets[-1])) % len(words)].to(torch.int16)
    labels = torch.randint(get_dataset(task.dataset).classes, (size,))
    texts = TextSet(tokens, offsets, labels, vocabulary, "", {})
    facts = _facts(config, task, vocabulary_size=vocabulary)
    return TextTask(facts, texts, torch.arange(size), size, config.seed, CPU)


def _facts(config: RunConfig, task: TaskConfig, **sizes: int) -> DataFacts:
    return DataFacts(task.dataset, config.source, None, "", sizes)
