"""CIFAR-10's pickled batches (the Python version; Krizhevsky 2009)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from uhn.data.pickles import read_arrays
from uhn.errors import UserError

BATCHES = {"train": tuple(f"data_batch_{number}" for number in range(1, 6)), "test": ("test_batch",)}


def read_images(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Read one split.

    Shapes:
        images (n, 3, 32, 32) uint8, labels (n,) int64

    Raises:
        UserError: a batch does not hold n rows of 3,072 bytes and n labels.
    """
    images, labels = [], []
    for name in BATCHES[split]:
        path = Path(folder) / "cifar-10-batches-py" / name
        batch = read_arrays(path)
        try:
            pixels, classes = batch["data"], np.asarray(batch["labels"], dtype=np.int64)
            fits = pixels.dtype == np.uint8 and pixels.shape == (len(classes), 3072)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
            fits = False
        if not fits:
            raise UserError(
                f"{path}: expected 'data' with rows of 3,072 bytes and as many 'labels'; get the published file again"
            )
        images.append(pixels.reshape(-1, 3, 32, 32))
        labels.append(classes)
    return np.concatenate(images), np.concatenate(labels)
