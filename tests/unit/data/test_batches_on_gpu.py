"""Batches made on a GPU equal those made on the CPU."""

import pytest
import torch

from uhn.data.images import ImageSet, augment, normalise
from uhn.data.texts import TextSet, pad_batch

pytestmark = pytest.mark.gpu
GPU = torch.device("cuda")


def test_images():
    pixels = torch.randint(256, (256, 3, 32, 32), dtype=torch.uint8)
    images = ImageSet(pixels, torch.zeros(256, dtype=torch.int64), {}).to(GPU)
    generators = [torch.Generator().manual_seed(3) for _ in range(2)]
    expected, result = (augment(*pair) for pair in zip((pixels, images.images), generators, strict=True))
    assert result.is_cuda and torch.equal(result.cpu(), expected)
    torch.testing.assert_close(normalise("cifar10", result).cpu(), normalise("cifar10", expected))
    on_device = augment(images.images, torch.Generator(GPU).manual_seed(3))
    assert on_device.is_cuda and on_device.shape == pixels.shape


def test_texts():
    lengths = torch.randint(1, 60, (100,))
    offsets = torch.cat([torch.zeros(1, dtype=torch.int64), lengths.cumsum(0)])
    tokens = torch.randint(2, 5000, (int(offsets[-1]),), dtype=torch.int16)
    texts = TextSet(tokens, offsets, torch.zeros(100, dtype=torch.int64), 5000, "", {})
    rows = torch.randperm(100)[:32]
    for expected, result in zip(pad_batch(texts, rows), pad_batch(texts.to(GPU), rows), strict=True):
        assert result.is_cuda and torch.equal(result.cpu(), expected)
