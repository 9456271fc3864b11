"""Stand-ins pass through the loaders of the published formats and can be learned, but not without effort."""

import pytest
import torch

from uhn.data.checksums import checksum
from uhn.data.images import load_images, normalise
from uhn.data.planetoid import load_graph
from uhn.data.standin import FEATURES, IMAGES, TEST_NODES, TEXTS, VAL_NODES, WRITERS, write_standin
from uhn.data.texts import load_texts
from uhn.data.verify import inspect
from uhn.errors import UserError

SPLITS = ("train", "test")


def accuracy(train_x, train_y, test_x, test_y, classes, strength):
    """Return the test accuracy of ridge regression onto one-hot labels, in its dual form."""
    mean = train_x.mean(0)
    train_x, test_x = train_x - mean, test_x - mean
    kernel = train_x @ train_x.T
    kernel += strength * kernel.diagonal().mean() * torch.eye(len(kernel))
    weights = torch.linalg.solve(kernel, torch.eye(classes)[train_y] - 1 / classes)
    return ((test_x @ train_x.T @ weights).argmax(1) == test_y).float().mean().item()


@pytest.mark.parametrize("name, shape", [("mnist", (1, 28, 28)), ("cifar10", (3, 32, 32))])
def test_images_round_trip_and_are_learnable(standins, name, shape):
    train, test = (load_images(name, standins, split, standin=True) for split in SPLITS)
    assert train.images.shape == (IMAGES["train"], *shape) and test.images.shape == (IMAGES["test"], *shape)
    assert train.images.dtype == torch.uint8 and train.labels.dtype == torch.int64
    assert not any("test" in path or "t10k" in path for path in train.checksums)
    inputs = [normalise(name, part.images).flatten(1) for part in (train, test)]
    assert 0.7 < accuracy(inputs[0], train.labels, inputs[1], test.labels, 10, 1.0) < 0.99


@pytest.mark.parametrize("name, classes", [("cora", 7), ("citeseer", 6), ("pubmed", 3)])
def test_graphs_round_trip_and_are_learnable(standins, name, classes):
    graph = load_graph(name, standins, standin=True)
    assert graph.x.shape == (20 * classes + VAL_NODES + TEST_NODES, FEATURES)
    assert graph.labels.unique().tolist() == list(range(classes))
    masks = graph.train_mask, graph.val_mask, graph.test_mask
    assert [len(mask) for mask in masks] == [20 * classes, VAL_NODES, TEST_NODES]
    assert len(torch.cat(masks).unique()) == len(graph.x)

    sources, targets = graph.edge_index
    assert (sources != targets).all()
    edges = set(zip(sources.tolist(), targets.tolist(), strict=True))
    assert len(edges) == len(sources) and {(b, a) for a, b in edges} == edges
    torch.testing.assert_close(graph.x.sum(1), torch.ones(len(graph.x)))

    neighbourhood = torch.eye(len(graph.x))
    neighbourhood[sources, targets] = 1
    neighbourhood /= neighbourhood.sum(1, keepdim=True)
    smooth = neighbourhood @ neighbourhood @ graph.x
    train, test = graph.train_mask, graph.test_mask
    score = accuracy(smooth[train], graph.labels[train], smooth[test], graph.labels[test], classes, 0.1)
    assert 2 / classes < score < 0.99


@pytest.mark.parametrize("name, classes", [("ag_news", 4), ("imdb", 2)])
def test_texts_round_trip_and_are_learnable(standins, cache, name, classes):
    parts = [load_texts(name, standins, split, cache, standin=True) for split in SPLITS]
    bags = []
    for part, split in zip(parts, SPLITS, strict=True):
        assert len(part.labels) == TEXTS[split] and part.note == ""
        assert part.tokens.dtype == torch.int16 and int(part.tokens.max()) < part.vocabulary_size <= 5000
        assert (part.tokens[part.offsets[:-1]] == 2).all() and part.offsets[-1] == len(part.tokens)
        bag = torch.zeros(len(part.labels), part.vocabulary_size)
        rows = torch.arange(len(part.labels)).repeat_interleave(part.offsets.diff())
        bag.index_put_((rows, part.tokens.long()), torch.ones(len(rows)), accumulate=True)
        bags.append(bag / bag.sum(1, keepdim=True))
    score = accuracy(bags[0], parts[0].labels, bags[1], parts[1].labels, classes, 1.0)
    assert 1.6 / classes < score < 0.999


@pytest.mark.parametrize("name", WRITERS)
def test_a_seed_decides_every_byte(standins, tmp_path, name):
    write_standin(name, tmp_path, seed=0)
    same = {finding.path: finding.checksum for finding in inspect(name, tmp_path)}
    assert same == {finding.path: checksum(standins / finding.path) for finding in inspect(name, standins)}
    write_standin(name, tmp_path, seed=1)
    other = {finding.path: finding.checksum for finding in inspect(name, tmp_path)}
    assert not any(other[path] == same[path] for path in same)


def test_a_standin_is_not_taken_for_published_data(standins):
    with pytest.raises(UserError, match=r"expected the published files of MNIST, found a stand-in; .* to standin"):
        load_images("mnist", standins, "train")


def test_published_data_are_not_taken_for_a_standin(standins, tmp_path):
    (tmp_path / "MNIST").symlink_to(standins / "MNIST")
    with pytest.raises(UserError, match=r"expected a stand-in of MNIST, found published files or none; .* to local"):
        load_images("mnist", tmp_path, "train", standin=True)
    with pytest.raises(UserError, match="already there and not of a stand-in"):
        write_standin("mnist", tmp_path)


def test_an_interrupted_standin_is_damaged_and_can_be_written_again(tmp_path, monkeypatch):
    def interrupt(dataset, folder, rng):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setitem(WRITERS, "mnist", interrupt)
        write_standin("mnist", tmp_path)
    with pytest.raises(UserError, match="damaged; delete"):
        load_images("mnist", tmp_path, "train", standin=True)
    write_standin("mnist", tmp_path)
    assert len(load_images("mnist", tmp_path, "train", standin=True).labels) == IMAGES["train"]
