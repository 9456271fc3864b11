"""Pickled arrays of the published files, read with an allow-list (CIFAR-10, Planetoid)."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from uhn.errors import UserError

# Everything the published files name; the NumPy 2 and current SciPy spellings are those of the stand-ins.
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("scipy.sparse.csr", "csr_matrix"),
    ("scipy.sparse._csr", "csr_matrix"),
    ("collections", "defaultdict"),
    ("__builtin__", "list"),
    ("builtins", "list"),
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        if module == "scipy.sparse.csr":  # deprecated spelling
            module = "scipy.sparse"
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read_arrays(path: Path) -> Any:
    """Read a pickle of NumPy arrays, sparse matrices, lists and dictionaries.

    Python 2 strings are decoded as Latin-1, as the published files need.

    Raises:
        UserError: it holds anything else, or is not a pickle.
    """
    try:
        with open(path, "rb") as stream:
            return _ArrayUnpickler(stream, encoding="latin1").load()
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise UserError(
            f"{path}: expected a pickle of arrays, came something else ({error}); get the published file again"
        ) from error
