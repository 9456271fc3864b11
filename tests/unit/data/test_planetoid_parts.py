"""Damaged parts of a graph are refused before SciPy's compiled loops, which believe every index, see them."""

import pickle
from collections import defaultdict

import numpy as np
import pytest
import scipy.sparse

from uhn.data.planetoid_parts import check_parts
from uhn.errors import UserError

CLASSES = 2


def sparse(rows, columns=3, **changes):
    """Return a matrix with ones on its diagonal; ``changes`` replace its arrays unchecked."""
    matrix = scipy.sparse.csr_matrix(np.eye(rows, columns, dtype=np.float32))
    vars(matrix).update({name: value for name, value in changes.items() if value is not None})
    for name in [name for name, value in changes.items() if value is None]:
        del vars(matrix)[name]
    return matrix


def parts():
    """Return a graph of two training nodes, one validation node and two test nodes."""
    labels = np.eye(CLASSES, dtype=np.int32)
    return {
        "x": sparse(2),
        "tx": sparse(2),
        "allx": sparse(3),
        "y": labels,
        "ty": labels,
        "ally": labels[[0, 1, 0]],
        "graph": defaultdict(list, {0: [1], 1: [0, 4], 2: [], 3: [], 4: [1]}),
    }


def write(folder, contents):
    for part, content in contents.items():
        (folder / f"ind.g.{part}").write_bytes(pickle.dumps(content, protocol=4))
    return folder


def test_a_sound_graph(tmp_path):
    check_parts(write(tmp_path, parts()), "g", CLASSES)


def array(*values, kind=np.int32):
    return np.array(values, kind)


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("x", sparse(2, indices=array(0, 3))),
        ("x", sparse(2, indices=array(0, -1))),
        ("x", sparse(2, indices=array(0, 10**9))),
        ("x", sparse(2, indptr=array(0, 2, 1))),
        ("x", sparse(2, indptr=array(1, 1, 2))),
        ("x", sparse(2, indptr=array(0, 1, 10**6))),
        ("x", sparse(2, indptr=array(0, 2))),
        ("x", sparse(2, data=array(1, kind=np.float32))),
        ("x", sparse(2, data=array(1, np.inf, kind=np.float32))),
        ("x", sparse(2, data=np.array([None, None]))),
        ("x", sparse(2, data=None)),
        ("x", sparse(2, data=[1.0, 1.0])),
        ("x", sparse(2, _shape=(10**9, 3))),
        ("x", sparse(2, _shape=(2, "3"))),
        ("x", sparse(2, _shape=None)),
        ("tx", sparse(2, columns=4)),
        ("allx", np.eye(3)),
        ("y", np.eye(3, CLASSES)),
        ("y", [[1, 0], [0, 1]]),
        ("ty", np.array([["a", "b"], ["c", "d"]])),
        ("graph", {0: [1], 1: [2]}),
        ("graph", {0: [-1]}),
        ("graph", {0: [0.0]}),
        ("graph", {0: "0"}),
        ("graph", [[0]]),
    ],
)
def test_what_is_refused(tmp_path, part, content):
    folder = write(tmp_path, parts() | {part: content})
    with pytest.raises(UserError, match=rf"ind\.g\.{part}: expected .*; get the published file again"):
        check_parts(folder, "g", CLASSES)
