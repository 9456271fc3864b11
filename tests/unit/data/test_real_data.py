"""The published files (set UHN_DATA to their folder): sizes, classes, edges, text statistics, checksums."""

import pytest
import torch

from uhn.data.checksums import checksum
from uhn.data.images import load_images, normalise
from uhn.data.planetoid import load_graph
from uhn.data.splits import validation_split
from uhn.data.texts import load_texts, pad_batch
from uhn.data.verify import inspect

pytestmark = pytest.mark.realdata

PUBLISHED_MD5 = {
    "MNIST/raw/train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "MNIST/raw/train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
    "MNIST/raw/t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
    "MNIST/raw/t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    "cifar-10-batches-py/data_batch_1": "c99cafc152244af753f735de768cd75f",
    "cifar-10-batches-py/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "cifar-10-batches-py/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "cifar-10-batches-py/data_batch_4": "634d18415352ddfa80567beed471001a",
    "cifar-10-batches-py/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "cifar-10-batches-py/test_batch": "40351d587109b95175f43aff81a1287e",
    "ag_news_csv/test.csv": "d52ea96a97a2d943681189a97654912d",
}


@pytest.mark.parametrize("path", PUBLISHED_MD5)
def test_published_md5(real_data, path):
    assert checksum(real_data / path, "md5") == f"md5:{PUBLISHED_MD5[path]}"


@pytest.mark.parametrize("name", ["mnist", "cifar10", "cora", "citeseer", "pubmed", "imdb"])
def test_every_file_has_the_checksum_of_the_catalogue(real_data, name):
    assert {finding.state for finding in inspect(name, real_data)} == {"ok"}


@pytest.mark.parametrize(
    "name, split, counts",
    [
        ("mnist", "train", [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]),
        ("mnist", "test", [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]),
        ("cifar10", "train", [5000] * 10),
        ("cifar10", "test", [1000] * 10),
    ],
)
def test_images(real_data, name, split, counts):
    images = load_images(name, real_data, split)
    shape = (1, 28, 28) if name == "mnist" else (3, 32, 32)
    assert images.images.shape == (sum(counts), *shape)
    assert torch.bincount(images.labels).tolist() == counts


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_normalised_training_images_are_standardised(real_data, name):
    images = normalise(name, load_images(name, real_data, "train").images)
    channels = images.transpose(0, 1).flatten(1).double()
    torch.testing.assert_close(channels.mean(1), torch.zeros(len(channels)).double(), atol=2e-3, rtol=0)
    torch.testing.assert_close(channels.std(1), torch.ones(len(channels)).double(), atol=4e-3, rtol=0)


@pytest.mark.parametrize(
    "name, nodes, features, edges, training",
    [("cora", 2708, 1433, 10556, 140), ("citeseer", 3327, 3703, 9104, 120), ("pubmed", 19717, 500, 88648, 60)],
)
def test_graphs(real_data, name, nodes, features, edges, training):
    graph = load_graph(name, real_data)
    assert graph.x.shape == (nodes, features) and graph.edge_index.shape == (2, edges)
    assert (graph.edge_index[0] != graph.edge_index[1]).all()
    pairs = graph.edge_index[0] * nodes + graph.edge_index[1]
    reverse = graph.edge_index[1] * nodes + graph.edge_index[0]
    assert len(pairs.unique()) == edges and torch.equal(pairs.sort()[0], reverse.sort()[0])
    assert [len(mask) for mask in (graph.train_mask, graph.val_mask, graph.test_mask)] == [training, 500, 1000]
    assert len(torch.bincount(graph.labels[graph.train_mask]).unique()) == 1
    sums = graph.x.sum(1)
    empty = (graph.x == 0).all(1)
    torch.testing.assert_close(sums[~empty], torch.ones(int((~empty).sum())), atol=1e-5, rtol=0)
    assert int(empty.sum()) == {"cora": 0, "citeseer": 15, "pubmed": 0}[name]


def test_ag_news(real_data, cache):
    train, test = (load_texts("ag_news", real_data, split, cache) for split in ("train", "test"))
    assert torch.bincount(test.labels).tolist() == [1900] * 4
    if len(train.labels) == 120_000:
        assert train.note == "" and torch.bincount(train.labels).tolist() == [30_000] * 4
    else:
        assert train.note == test.note == f"AG News: {len(train.labels):,} of 120,000 training rows"
    assert train.vocabulary_size == test.vocabulary_size == 5000
    lengths = test.offsets.diff()
    assert round(lengths.double().mean().item(), 1) == 47.3 and int(lengths.max()) == 128
    batches = [pad_batch(test, rows) for rows in torch.arange(7600).split(256)]
    assert sum(ids.shape[1] for ids, _ in batches) / len(batches) == pytest.approx(122, abs=1)
    assert sum(int((~mask).sum()) for _, mask in batches) == len(test.tokens)
    known = (test.tokens != 0).double().mean().item()
    assert 0.85 < known < 0.95


def test_imdb(real_data, cache):
    for split in ("train", "test"):
        texts = load_texts("imdb", real_data, split, cache)
        assert texts.labels.tolist() == [0] * 12_500 + [1] * 12_500
        assert texts.vocabulary_size == 5000 and int(texts.offsets.diff().max()) == 512


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_validation_images_hold_every_class(real_data, name):
    labels = load_images(name, real_data, "train").labels
    train, validation = validation_split(name, len(labels))
    assert torch.equal(torch.cat([train, validation]).sort()[0], torch.arange(len(labels)))
    assert torch.bincount(labels[validation], minlength=10).min() > 0.08 * len(validation)
