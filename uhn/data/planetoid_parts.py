"""The pickled parts of a Planetoid graph, checked in full before anything computes with them.

SciPy's compiled loops believe the indices of a sparse matrix. Wrong ones read and write outside of its arrays.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse

from uhn.data.pickles import read_arrays
from uhn.errors import UserError

# Features of: training nodes, test nodes, all but test nodes; their classes, one-hot; the neighbours of each node.
FEATURES = ("x", "tx", "allx")
CLASSES = ("y", "ty", "ally")
PICKLED = (*FEATURES, *CLASSES, "graph")


def check_parts(raw: Path, name: str, classes: int) -> None:
    """Demand that all parts of a graph are what they should be and fit together.

    Args:
        raw: folder of the files ``ind.<name>.<part>``.
        name: name of the data set.
        classes: number of classes.

    Raises:
        UserError: naming the file, and what is wrong with it.
    """
    parts = {part: read_arrays(raw / f"ind.{name}.{part}") for part in PICKLED}
    width = None
    for part in PICKLED:
        try:
            if part in FEATURES:
                _check_sparse(parts[part])
                width = width or parts[part].shape[1]
                _demand(parts[part].shape[1] == width, f"{width} features as in x")
            elif part in CLASSES:
                rows = parts[FEATURES[CLASSES.index(part)]].shape[0]
                _check_one_hot(parts[part], (rows, classes))
            else:
                _check_neighbours(parts[part])
        except Exception as error:  # damaged objects can raise nearly anything
            raise UserError(f"{raw / f'ind.{name}.{part}'}: expected {error}; get the published file again") from error


def _demand(fits: bool, expected: str) -> None:
    if not fits:
        raise ValueError(expected)


def _check_sparse(matrix: Any) -> None:
    _demand(type(matrix) is scipy.sparse.csr_matrix, "a sparse matrix in rows")
    arrays = [vars(matrix)[part] for part in ("indptr", "indices", "data")]
    _demand(all(type(array) is np.ndarray and array.ndim == 1 for array in arrays), "a sparse matrix of three arrays")
    _demand(
        [array.dtype.kind in kinds for array, kinds in zip(arrays, ("i", "i", "fiu"), strict=True)] == [True] * 3,
        "a sparse matrix of numbers",
    )
    matrix.check_format(full_check=True)
    _demand(bool(np.isfinite(matrix.data).all()), "finite features")


def _check_one_hot(labels: Any, shape: tuple[int, int]) -> None:
    _demand(type(labels) is np.ndarray and labels.dtype.kind in "iuf", "an array of numbers")
    _demand(labels.shape == shape, f"the shape {shape}, found {labels.shape}")


def _check_neighbours(graph: Any) -> None:
    _demand(isinstance(graph, dict), "a dictionary of neighbours")
    lists = list(graph.values())
    _demand(all(type(others) is list for others in lists), "a list of neighbours for each node")
    nodes = [*graph, *(other for others in lists for other in others)]
    _demand(all(type(node) is int and 0 <= node < len(graph) for node in nodes), f"nodes from 0 to {len(graph) - 1}")
