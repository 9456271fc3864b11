"""Downloads, against a server on this machine: checksums, unpacking, and what a user reads when it fails."""

import functools
import hashlib
import http.server
import io
import tarfile
import threading
from dataclasses import replace

import pytest

from uhn.data import catalogue, fetch
from uhn.data.catalogue import DATASETS, DataFile
from uhn.data.checksums import checksum
from uhn.data.standin import write_standin
from uhn.data.verify import SUBSET
from uhn.errors import UserError


def md5(payload):
    return "md5:" + hashlib.md5(payload).hexdigest()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path):
    """A folder and the address that serves it."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{serving.server_port}/"
        serving.shutdown()


@pytest.fixture
def put(monkeypatch):
    """Replace a data set in the catalogue."""

    def put(name, **changes):
        monkeypatch.setitem(catalogue.DATASETS, name, replace(DATASETS[name], **changes))

    return put


@pytest.fixture
def files(server, put):
    """AG News, served as two small files."""
    folder, url = server
    contents = {"train.csv": b'"1","a","b"\n', "test.csv": b'"2","c","d"\n'}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    entries = [DataFile(f"ag_news_csv/{name}", md5(content), split=name[:-4]) for name, content in contents.items()]
    put("ag_news", url=url, files=tuple(entries))
    return folder


def test_files_are_downloaded_once_and_replaced_if_damaged(files, tmp_path):
    folder = tmp_path / "data"
    assert fetch.fetch("ag_news", folder)
    assert (folder / "ag_news_csv/train.csv").read_bytes() == b'"1","a","b"\n'
    (files / "train.csv").unlink()
    assert not fetch.fetch("ag_news", folder)
    (folder / "ag_news_csv/test.csv").write_bytes(b"damaged")
    assert fetch.fetch("ag_news", folder)
    assert (folder / "ag_news_csv/test.csv").read_bytes() == b'"2","c","d"\n'


def test_a_subset_does_not_stand_for_the_full_file(files, tmp_path):
    subset = tmp_path / "data" / SUBSET
    subset.parent.mkdir(parents=True)
    subset.write_bytes(b'"1","a","b"\n')
    assert fetch.fetch("ag_news", tmp_path / "data")
    assert (tmp_path / "data/ag_news_csv/train.csv").exists()


def test_a_download_with_another_checksum_is_thrown_away(files, tmp_path):
    (files / "train.csv").write_bytes(b"something else")
    with pytest.raises(UserError, match=r"/train\.csv: cannot be downloaded: expected md5:\w+, .* another checksum"):
        fetch.fetch("ag_news", tmp_path / "data")
    assert list((tmp_path / "data/ag_news_csv").iterdir()) == []


def test_an_error_of_the_server_is_named(files, tmp_path):
    (files / "train.csv").unlink()
    with pytest.raises(UserError, match=r"/train\.csv: cannot be downloaded: status 404; .* local folder"):
        fetch.fetch("ag_news", tmp_path / "data")


def test_without_a_network_the_line_names_address_and_alternative(put, tmp_path):
    put("mnist", url="http://127.0.0.1:1/mnist/")  # nothing listens on port 1
    with pytest.raises(UserError) as caught:
        fetch.fetch("mnist", tmp_path)
    line = str(caught.value)
    assert line.startswith("http://127.0.0.1:1/mnist/train-images-idx3-ubyte.gz: cannot be downloaded: no answer")
    assert "uhn data verify mnist --folder DIR" in line and "\n" not in line


def make_archive(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return md5(path.read_bytes())


def test_an_archive_is_unpacked_after_its_checksum_matched(server, put, tmp_path):
    served, url = server
    texts = {f"aclImdb/{part}/0_1.txt": part.encode() for part in ("train/neg", "train/pos", "test/neg", "test/pos")}
    extra = {"aclImdb/train/unsup/0_0.txt": b"unlabelled", "../outside.txt": b"outside", "aclImdb/README": b"read me"}
    archive = make_archive(served / "texts.tar.gz", texts | extra)
    for path, content in texts.items():
        (tmp_path / "expected" / path).parent.mkdir(parents=True)
        (tmp_path / "expected" / path).write_bytes(content)
    entries = tuple(
        replace(file, size=None, count=1, checksum=checksum(tmp_path / "expected" / file.path))
        for file in DATASETS["imdb"].files
    )
    put("imdb", url=url + "texts.tar.gz", files=entries, archive="md5:" + "0" * 32)
    folder = tmp_path / "data"
    with pytest.raises(UserError, match="another checksum"):
        fetch.fetch("imdb", folder)
    assert list(folder.iterdir()) == []

    put("imdb", archive=archive)
    assert fetch.fetch("imdb", folder)
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == set(texts)
    assert not fetch.fetch("imdb", folder)


def test_a_member_that_leaves_the_folder_is_refused(server, put, tmp_path):
    served, url = server
    archive = make_archive(served / "texts.tar.gz", {"aclImdb/train/neg/../../../../../outside.txt": b"outside"})
    put("imdb", url=url + "texts.tar.gz", archive=archive)
    with pytest.raises(UserError, match="not a clean archive"):
        fetch.fetch("imdb", tmp_path / "data")
    assert not list(tmp_path.rglob("outside.txt"))


def test_a_standin_is_not_overwritten(tmp_path):
    write_standin("mnist", tmp_path)
    with pytest.raises(UserError, match="holds a stand-in of MNIST"):
        fetch.fetch("mnist", tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        fetch.fetch("mnist", tmp_path / "file" / "data")
