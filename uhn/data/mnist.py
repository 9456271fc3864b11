"""MNIST's idx files (four gzipped files; LeCun et al. 1998)."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from uhn.errors import UserError

PREFIX = {"train": "train", "test": "t10k"}


def read_idx(path: Path) -> np.ndarray:
    """Read a gzipped idx file of unsigned bytes.

    Raises:
        UserError: it is not one, or its length contradicts its header.
    """
    try:
        payload = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: expected a gzipped idx file, came {error}; get the published file again") from error
    if payload[:4] in (b"\0\0\x08\x01", b"\0\0\x08\x03") and len(payload) >= 4 + 4 * payload[3]:
        shape = struct.unpack_from(f">{payload[3]}I", payload, 4)
        values = np.frombuffer(payload, np.uint8, offset=4 + 4 * payload[3])
        if len(values) == math.prod(shape):
            return values.reshape(shape)
    raise UserError(f"{path}: expected an idx file of unsigned bytes, its header says otherwise; get it again")


def read_images(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Read one split.

    Shapes:
        images (n, 1, 28, 28) uint8, labels (n,) uint8
    """
    raw = Path(folder) / "MNIST/raw"
    images = read_idx(raw / f"{PREFIX[split]}-images-idx3-ubyte.gz")
    labels = read_idx(raw / f"{PREFIX[split]}-labels-idx1-ubyte.gz")
    if images.shape[1:] != (28, 28) or labels.shape != images.shape[:1]:
        raise UserError(
            f"{raw}: expected n images of 28 x 28 and n labels, found {images.shape} and {labels.shape}; "
            "give the published files"
        )
    return images[:, None], labels
