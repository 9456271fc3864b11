"""The data sets of the paper that are files: where they live, their checksums, licences and citations.

Checksums are of the published files. Those written ``sha256:`` were computed from the files themselves; those written
``md5:`` are the ones their publishers or the usual loaders state, for files that were not at hand when this table was
made: the two archives and AG News' ``train.csv``. A checksum of a folder (IMDB) covers the name and the content of
every file in it, in the order of ``uhn.data.checksums.folder_files``.
"""

from __future__ import annotations

from dataclasses import dataclass

from uhn.errors import UserError


@dataclass(frozen=True)
class DataFile:
    """A file of a data set, or a folder of texts that is one unit.

    Args:
        path: below the data folder, with forward slashes.
        size: bytes; None where unknown.
        checksum: ``sha256:...`` or ``md5:...``.
        split: "train", "test", or None for a file that holds both.
        count: number of files in a folder; None for a file.
    """

    path: str
    size: int | None
    checksum: str
    split: str | None
    count: int | None = None


@dataclass(frozen=True)
class Dataset:
    """A data set.

    Args:
        name: as in configuration and on the command line.
        title: as in prose.
        classes: number of classes.
        url: folder of the files, or the archive that holds them.
        files: what the loaders read.
        licence: what its publisher states, or who else states what.
        citation: the paper to cite.
        archive: checksum of the archive, None where the files are published one by one.
        train_examples: size of the training split; None of a graph, which trains on all its nodes at once.
    """

    name: str
    title: str
    classes: int
    url: str
    files: tuple[DataFile, ...]
    licence: str
    citation: str
    archive: str | None = None
    train_examples: int | None = None

    def of_split(self, split: str | None) -> list[DataFile]:
        """Return the files that a split is read from; all for None."""
        return [file for file in self.files if split is None or file.split in (None, split)]


def _planetoid(name: str, title: str, classes: int, sums: dict[str, tuple[int, str]]) -> Dataset:
    files = tuple(
        DataFile(f"planetoid/{title}/raw/ind.{name}.{part}", size, f"sha256:{digest}", None)
        for part, (size, digest) in sums.items()
    )
    return Dataset(
        name=name,
        title=title,
        classes=classes,
        url="https://github.com/kimiyoung/planetoid/raw/master/data/",
        files=files,
        licence="none stated for the data; the repository that publishes it is MIT",
        citation="Yang, Cohen, Salakhutdinov: Revisiting Semi-Supervised Learning with Graph Embeddings, ICML 2016; "
        "Sen et al.: Collective Classification in Network Data, AI Magazine 2008",
    )


_MNIST = Dataset(
    name="mnist",
    title="MNIST",
    classes=10,
    train_examples=60_000,
    url="https://ossci-datasets.s3.amazonaws.com/mnist/",
    files=(
        DataFile(
            "MNIST/raw/train-images-idx3-ubyte.gz",
            9912422,
            "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train",
        ),
        DataFile(
            "MNIST/raw/train-labels-idx1-ubyte.gz",
            28881,
            "sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "train",
        ),
        DataFile(
            "MNIST/raw/t10k-images-idx3-ubyte.gz",
            1648877,
            "sha256:8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "test",
        ),
        DataFile(
            "MNIST/raw/t10k-labels-idx1-ubyte.gz",
            4542,
            "sha256:f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "test",
        ),
    ),
    licence="none stated at this address; its usual redistributions name CC BY-SA 3.0 (LeCun and Cortes)",
    citation="LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 1998",
)

_CIFAR10_SUMS = (
    ("data_batch_1", 31035704, "54636561a3ce25bd3e19253c6b0d8538147b0ae398331ac4a2d86c6d987368cd"),
    ("data_batch_2", 31035320, "766b2cef9fbc745cf056b3152224f7cf77163b330ea9a15f9392beb8b89bc5a8"),
    ("data_batch_3", 31035999, "0f00d98ebfb30b3ec0ad19f9756dc2630b89003e10525f5e148445e82aa6a1f9"),
    ("data_batch_4", 31035696, "3f7bb240661948b8f4d53e36ec720d8306f5668bd0071dcb4e6c947f78e9682b"),
    ("data_batch_5", 31035623, "d91802434d8376bbaeeadf58a737e3a1b12ac839077e931237e0dcd43adcb154"),
    ("test_batch", 31035526, "f53d8d457504f7cff4ea9e021afcf0e0ad8e24a91f3fc42091b8adef61157831"),
)
_CIFAR10 = Dataset(
    name="cifar10",
    title="CIFAR-10",
    classes=10,
    train_examples=50_000,
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    archive="md5:c58f30108f718f92721af3b95e74349a",
    files=tuple(
        DataFile(f"cifar-10-batches-py/{name}", size, f"sha256:{digest}", "test" if name == "test_batch" else "train")
        for name, size, digest in _CIFAR10_SUMS
    ),
    licence="none stated",
    citation="Krizhevsky: Learning Multiple Layers of Features from Tiny Images, technical report, 2009",
)

_CITESEER = _planetoid(
    "citeseer",
    "CiteSeer",
    6,
    {
        "x": (31087, "d20de19150741e555de0ed037195630fc194114ebc7fd72ced62810148aa22f6"),
        "tx": (260321, "539a8906a2da97628d212f2fdd668c109a8b3f0d36574b59e5d3fd5b5303da21"),
        "allx": (595021, "2ac30345d95c9ec933a817ee0bdd6a5f077f8c184a20e696910192d534414668"),
        "y": (3014, "8ba87e515d8e3ee3cf52f6d2c5b86aa73f11ecad825a808455209ec26cd54924"),
        "ty": (24135, "55e5bd1ba1e733a04598753ad1a8d57957f4b8f89e74519f41f4f4938767e4ce"),
        "ally": (55623, "f704b2d986dde6c2669934de1f3ae5696a6cf9455c0f6b2646a2d135ea0a1c95"),
        "graph": (61987, "d79a4ef9d3e7169aee8946145f6b7306e35bc79bffad26346cfb94e10e9912a7"),
        "test.index": (5000, "2af990671580b6b2df5d158d1038f8292e30c9cd821b5453f399659b25b723d4"),
    },
)
_CORA = _planetoid(
    "cora",
    "Cora",
    7,
    {
        "x": (22119, "23cfa55d91c6f624233f5eb7b6e3f141f1bd2b2ae39608a63cf5d084bb27baab"),
        "tx": (148025, "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a"),
        "allx": (257305, "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543"),
        "y": (4054, "94465c14eb53e04ca262198dcbb2521ee8af60fb3f3d546cd6ca24a511b0e7d1"),
        "ty": (28135, "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad"),
        "ally": (47959, "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71"),
        "graph": (59847, "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d"),
        "test.index": (5000, "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875"),
    },
)
_PUBMED = _planetoid(
    "pubmed",
    "PubMed",
    3,
    {
        "x": (23172, "fbe9cb5c47200d1b7769a26e579be3b7130b556831f9d850e77c4c74f2599b33"),
        "tx": (405505, "4eb5f5d0f30f26497eb0ac6ac9719d09c67e284f1ed0385c93f3ef27a671da3d"),
        "allx": (7578385, "508e538e2abdccdd54c4d3e9f49d638b4af7107d85845f66ddea5a5152658b7e"),
        "y": (854, "e6c807633307a07ed659249006536a147c7999c797f11a2560752990181b41b3"),
        "ty": (12135, "ee2e0d4819d9fbcc403689c3bf2e49face401b605932f093bc58ab6461130fdd"),
        "ally": (224739, "0c37bbe3b5014ec365e9d393cf4791925e5ed94fb194305d74f064a8d7b50f0e"),
        "graph": (471808, "5b89f0036ca22909471f1e6558eb42fa06e0c730a577bde5b058b40638f81dc9"),
        "test.index": (6000, "b101d421688bbaecbd82e8a18f1e282378d6830f3a37666f28ebc47f844341b5"),
    },
)

_AG_NEWS = Dataset(
    name="ag_news",
    title="AG News",
    classes=4,
    train_examples=120_000,
    url="https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv/",
    files=(
        DataFile("ag_news_csv/train.csv", None, "md5:b1a00f826fdfbd249f79597b59e1dc12", "train"),
        DataFile(
            "ag_news_csv/test.csv",
            1857427,
            "sha256:521465c2428ed7f02f8d6db6ffdd4b5447c1c701962353eb2c40d548c3c85699",
            "test",
        ),
    ),
    licence="for research and other non-commercial use, as its readme says",
    citation="Zhang, Zhao, LeCun: Character-level Convolutional Networks for Text Classification, NIPS 2015",
)

_IMDB_SUMS = (
    ("train/neg", 16289992, "1847464945bbafc23d109f17f43b1ca535ec9e0f2c72cb812fa9b08ffcb05bcb"),
    ("train/pos", 16842831, "6d968a9e63233f778c27f208fe48a2f03816cd00d11250278e1d324c90d3f0df"),
    ("test/neg", 16067328, "dde4d9184c719e21062fb7e55e1e1b5614197d5433971ca5579e1f47eadd6543"),
    ("test/pos", 16283357, "7cbc51d4fe79fc726a2ee847005bc315b95486038c595709e3c54cc9819b31fb"),
)
_IMDB = Dataset(
    name="imdb",
    title="IMDB",
    classes=2,
    train_examples=25_000,
    url="https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
    archive="md5:7c2ac02c03563afcf9b574c7e56c153a",
    files=tuple(
        DataFile(f"aclImdb/{part}", size, f"sha256:{digest}", part.split("/")[0], count=12500)
        for part, size, digest in _IMDB_SUMS
    ),
    licence="none stated; its readme asks for the citation",
    citation="Maas et al.: Learning Word Vectors for Sentiment Analysis, ACL 2011",
)

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset for dataset in (_MNIST, _CIFAR10, _CITESEER, _CORA, _PUBMED, _AG_NEWS, _IMDB)
}


def get_dataset(name: str) -> Dataset:
    """Return a data set by name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in DATASETS:
        raise UserError(f"unknown data set {name!r}; expected one of {', '.join(DATASETS)}")
    return DATASETS[name]
