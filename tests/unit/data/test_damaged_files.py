"""Missing, truncated, altered and ill-formed files are named before anything uses them."""

import gzip
import json
import pickle
import shutil

import numpy as np
import pytest
import torch

from uhn.data import cifar10
from uhn.data.ag_news import read_texts
from uhn.data.checksums import checksum
from uhn.data.images import load_images
from uhn.data.labels import require_classes
from uhn.data.mnist import read_idx
from uhn.data.pickles import read_arrays
from uhn.data.planetoid import load_graph
from uhn.data.texts import load_texts
from uhn.data.verify import inspect, marker_path, remedy
from uhn.errors import UserError

PARTS = {"mnist": "MNIST", "cifar10": "cifar-10-batches-py", "cora": "planetoid/Cora", "ag_news": "ag_news_csv"}
PARTS["imdb"] = "aclImdb"


def copy(name, standins, folder):
    """Copy one stand-in into a folder, to be damaged there."""
    shutil.copytree(standins / PARTS[name], folder / PARTS[name])
    shutil.copy(marker_path(name, standins), folder)
    return folder


def accept(name, folder):
    """Write the present checksums into the marker, so that only the content itself can be objected to."""
    marker = marker_path(name, folder)
    content = json.loads(marker.read_text())
    content["files"] = {path: checksum(folder / path) for path in content["files"]}
    marker.write_text(json.dumps(content))


def flip_a_bit(path):
    payload = bytearray(path.read_bytes())
    payload[len(payload) // 2] ^= 1
    path.write_bytes(payload)


LOADS = [
    (
        "mnist",
        "MNIST/raw/train-images-idx3-ubyte.gz",
        lambda folder: load_images("mnist", folder, "train", standin=True),
    ),
    ("cifar10", "cifar-10-batches-py/test_batch", lambda folder: load_images("cifar10", folder, "test", standin=True)),
    ("cora", "planetoid/Cora/raw/ind.cora.graph", lambda folder: load_graph("cora", folder, standin=True)),
    ("ag_news", "ag_news_csv/train.csv", lambda folder: load_texts("ag_news", folder, "train", folder, standin=True)),
    ("imdb", "aclImdb/train/neg/7_2.txt", lambda folder: load_texts("imdb", folder, "train", folder, standin=True)),
]


@pytest.mark.parametrize("name, path, load", LOADS, ids=[name for name, *_ in LOADS])
def test_loaders_refuse_damaged_files_and_name_them(standins, tmp_path, name, path, load):
    folder = copy(name, standins, tmp_path)
    load(folder)
    whole = (folder / path).read_bytes()
    named = path.rsplit("/", 1)[0] if name == "imdb" else path

    flip_a_bit(folder / path)
    with pytest.raises(UserError, match=rf"{named} is altered \(expected sha256:\w+, found sha256:\w+\); delete "):
        load(folder)
    (folder / path).write_bytes(whole[:-1])
    with pytest.raises(UserError, match=rf"{named} is altered"):
        load(folder)
    (folder / path).unlink()
    with pytest.raises(UserError, match=rf"{named} is {'altered' if name == 'imdb' else 'missing'}"):
        load(folder)


def test_the_other_splits_files_are_not_needed(standins, tmp_path):
    for name in ("mnist", "cifar10", "ag_news", "imdb"):
        copy(name, standins, tmp_path)
    for path in (*tmp_path.glob("MNIST/raw/t10k*"), tmp_path / "cifar-10-batches-py/test_batch"):
        path.unlink()
    (tmp_path / "ag_news_csv/test.csv").unlink()
    shutil.rmtree(tmp_path / "aclImdb/test")
    for name in ("mnist", "cifar10"):
        load_images(name, tmp_path, "train", standin=True)
    for name in ("ag_news", "imdb"):
        load_texts(name, tmp_path, "train", tmp_path / "cache", standin=True)


def test_published_files_are_told_missing_truncated_or_altered(tmp_path):
    raw = tmp_path / "MNIST/raw"
    raw.mkdir(parents=True)
    (raw / "t10k-labels-idx1-ubyte.gz").write_bytes(b"x" * 100)
    (raw / "t10k-images-idx3-ubyte.gz").write_bytes(b"x" * 1648877)
    images, labels = inspect("mnist", tmp_path, "test")
    assert (images.state, labels.state) == ("altered", "truncated")
    assert "expected 4,542 bytes, found 100" in labels.detail
    assert {finding.state for finding in inspect("mnist", tmp_path, "train")} == {"missing"}
    assert "uhn data fetch mnist --folder" in remedy("mnist", tmp_path)


def test_missing_reviews_are_counted(tmp_path):
    for part in ("neg", "pos"):
        (tmp_path / "aclImdb/train" / part).mkdir(parents=True)
    (tmp_path / "aclImdb/train/neg/0_3.txt").write_text("Bad.")
    first, _ = inspect("imdb", tmp_path, "train")
    assert first.state == "truncated" and first.detail == "expected 12,500 texts, found 1"


def test_an_empty_class_is_an_error(standins, tmp_path):
    with pytest.raises(UserError, match="here: expected examples of all 4 classes, found none of class 1, 3"):
        require_classes(torch.tensor([0, 2, 2]), 4, "here")
    with pytest.raises(UserError, match="expected labels 0 to 3, found 0 to 4"):
        require_classes(torch.tensor([0, 1, 2, 3, 4]), 4, "here")
    folder = copy("ag_news", standins, tmp_path)
    path = folder / "ag_news_csv/train.csv"
    path.write_text("".join(line for line in path.open() if not line.startswith('"3"')))
    accept("ag_news", folder)
    with pytest.raises(UserError, match=r"AG News train part in .* found none of class 2"):
        load_texts("ag_news", folder, "train", folder, standin=True)


def test_the_training_subset_is_used_only_with_a_note(standins, tmp_path):
    folder = copy("ag_news", standins, tmp_path)
    (folder / "ag_news_csv/train.csv").rename(folder / "ag_news_csv/train_subset.csv")
    marker_path("ag_news", folder).unlink()
    texts = load_texts("ag_news", folder, "train", folder / "cache")
    assert texts.note == "AG News: 600 of 120,000 training rows"
    (finding,) = inspect("ag_news", folder, "train")
    assert finding.state == "subset" and list(texts.checksums) == [finding.path]


def test_csv_rows_of_another_form_are_named(tmp_path):
    path = tmp_path / "ag_news_csv/train.csv"
    path.parent.mkdir()
    path.write_text('"1","a","b"\n"0","a","b"\n')
    with pytest.raises(UserError, match=r"row 2: expected a class from 1 to 4.*'0'"):
        read_texts(tmp_path, "train")
    path.write_text("Class Index,Title,Description\n")
    with pytest.raises(UserError, match=r"row 1: .* without a header row"):
        read_texts(tmp_path, "train")


def test_idx_files_whose_length_contradicts_their_header_are_refused(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x05abc"))
    with pytest.raises(UserError, match="header says otherwise"):
        read_idx(path)
    many_axes = b"\0\0\x08\x46" + b"\0\0\0\x01" * 70 + b"a"  # more than an array has
    wrapped = b"\0\0\x08\x03" + b"\x80\0\0\0" * 2 + b"\0\0\0\4"  # 2^64 bytes, which is 0 in 64 bits
    for payload in (many_axes, wrapped, b"\0\0\x08", b""):
        path.write_bytes(gzip.compress(payload))
        with pytest.raises(UserError, match="header says otherwise"):
            read_idx(path)
    path.write_bytes(b"no gzip")
    with pytest.raises(UserError, match="expected a gzipped idx file"):
        read_idx(path)


def test_labels_that_are_no_numbers_of_the_machine_are_refused(tmp_path):
    path = tmp_path / "cifar-10-batches-py/test_batch"
    path.parent.mkdir()
    for labels in ([10**400], ["a"], [[1], [1, 2]], None):
        path.write_bytes(pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": labels}))
        with pytest.raises(UserError, match="expected 'data' with rows of 3,072 bytes"):
            cifar10.read_images(tmp_path, "test")


class Payload:
    def __reduce__(self):
        return print, ("executed",)


def test_a_pickle_that_names_a_function_is_not_run(tmp_path, capsys):
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps(Payload()))
    with pytest.raises(UserError, match=r"expected a pickle of arrays, .*names builtins\.print"):
        read_arrays(path)
    assert "executed" not in capsys.readouterr().out
    path.write_bytes(b"\x80")
    with pytest.raises(UserError, match="expected a pickle of arrays"):
        read_arrays(path)


def test_text_caches_that_are_stale_or_damaged_are_made_again(standins, tmp_path, monkeypatch):
    def load():
        return load_texts("ag_news", standins, "test", tmp_path, standin=True)

    first = load()
    (cached,) = tmp_path.glob("*.safetensors")
    payload = cached.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("uhn.data.texts._encode_split", None)  # a good cache needs no encoding
        assert torch.equal(load().tokens, first.tokens)
    for damaged in (payload[:100], payload[:-5], payload[:-5] + bytes([payload[-5] ^ 1]) + payload[-4:]):
        cached.write_bytes(damaged)
        again = load()
        assert torch.equal(again.tokens, first.tokens) and torch.equal(again.labels, first.labels)
        assert cached.read_bytes() == payload
    monkeypatch.setattr("uhn.data.texts.TEXT_VERSION", 0)
    load()
    assert len(list(tmp_path.glob("*.safetensors"))) == 2


def test_asking_the_wrong_loader_is_named(tmp_path):
    for load in (
        lambda: load_images("cora", tmp_path, "train"),
        lambda: load_graph("imdb", tmp_path),
        lambda: load_texts("mnist", tmp_path, "train", tmp_path),
    ):
        with pytest.raises(UserError, match=r"is not an? .*; expected one of"):
            load()
    with pytest.raises(UserError, match="unknown data set 'svhn'; expected one of mnist, cifar10"):
        load_images("svhn", tmp_path, "train")
