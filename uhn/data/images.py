"""Image sets as tensors, and their input processing in batches on the device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from uhn.data import cifar10, mnist
from uhn.data.catalogue import get_dataset
from uhn.data.labels import require_classes
from uhn.data.verify import require_files
from uhn.device import upload
from uhn.errors import UserError

READERS = {"mnist": mnist.read_images, "cifar10": cifar10.read_images}

# Mean and standard deviation by channel, of pixels scaled to [0, 1].
MOMENTS = {
    "mnist": ((0.1307,), (0.3081,)),
    "cifar10": (
        (125.3 / 255, 123.0 / 255, 113.9 / 255),
        (63.0 / 255, 62.1 / 255, 66.7 / 255),
    ),
}
PADDING = 4


@dataclass(frozen=True)
class ImageSet:
    """One split of an image set.

    Args:
        images: raw pixels.
        labels: classes.
        checksums: of the files that were read, by path.

    Shapes:
        images (n, channels, height, width) uint8, labels (n,) int64
    """

    images: Tensor
    labels: Tensor
    checksums: dict[str, str]

    def to(self, device: torch.device) -> ImageSet:
        """Return the set on a device."""
        return replace(self, images=self.images.to(device), labels=self.labels.to(device))


def load_images(name: str, folder: Path, split: Literal["train", "test"], *, standin: bool = False) -> ImageSet:
    """Load one split in file order; no file of the other split is opened.

    Args:
        name: "mnist" or "cifar10".
        folder: holds ``MNIST/raw`` or ``cifar-10-batches-py``.
        split: which part.
        standin: whether stand-in data are asked for; neither kind is taken for the other.

    Raises:
        UserError: a file is missing or damaged, or a class is empty.
    """
    dataset = get_dataset(name)
    if name not in READERS:
        raise UserError(f"{dataset.title} is not an image set; expected one of {', '.join(READERS)}")
    checksums = require_files(name, folder, split, standin=standin)
    pixels, classes = READERS[name](folder, split)
    labels = torch.tensor(classes, dtype=torch.int64)
    require_classes(labels, dataset.classes, f"{dataset.title} {split} part in {folder}")
    return ImageSet(torch.tensor(pixels), labels, checksums)


def normalise(name: str, images: Tensor) -> Tensor:
    """Scale pixels to [0, 1] and standardise them with the data set's constants.

    Shapes:
        images (b, channels, height, width) uint8 -> the same, float32
    """
    mean, std = upload(torch.tensor(MOMENTS[name]), images.device)[..., None, None]
    return (images.float() / 255 - mean) / std


def augment(images: Tensor, generator: torch.Generator) -> Tensor:
    """Pad by reflection, flip with probability one half, crop to the old size at random; each image on its own.

    The three steps only move pixels, so they are one gather whose indices are computed, without the padded images.

    Args:
        images: raw pixels, before normalisation.
        generator: source of the draws; its device may differ from the images'.

    Shapes:
        images (b, channels, size, size) -> the same
    """
    count, _, size, _ = images.shape
    draw = {"generator": generator, "device": generator.device}
    top, left = (torch.randint(2 * PADDING + 1, (count, 1), **draw) for _ in range(2))
    flip = torch.randint(2, (count, 1), **draw).bool()
    steps = torch.arange(size, device=generator.device)
    columns = left + steps
    columns = torch.where(flip, size + 2 * PADDING - 1 - columns, columns)
    rows, columns = (upload(_reflect(index - PADDING, size), images.device) for index in (top + steps, columns))
    batch = torch.arange(count, device=images.device)[:, None, None, None]
    channels = torch.arange(images.shape[1], device=images.device)[:, None, None]
    return images[batch, channels, rows[:, None, :, None], columns[:, None, None, :]]


def _reflect(index: Tensor, size: int) -> Tensor:
    """Mirror indices that are out of 0..size-1, without repeating the edge."""
    index = index.abs()
    return torch.where(index >= size, 2 * (size - 1) - index, index)
