"""Normalisation constants and augmentation, against brute force."""

import numpy as np
import pytest
import torch

from uhn.data.images import augment, normalise


@pytest.mark.parametrize(
    "name, means, stds",
    [
        ("mnist", [0.1307], [0.3081]),
        ("cifar10", [125.3 / 255, 123.0 / 255, 113.9 / 255], [63.0 / 255, 62.1 / 255, 66.7 / 255]),
    ],
)
def test_normalisation_uses_the_published_constants(name, means, stds):
    images = torch.randint(256, (3, len(means), 5, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected = images.numpy().astype(np.float64) / 255
    for channel, (mean, std) in enumerate(zip(means, stds, strict=True)):
        expected[:, channel] = (expected[:, channel] - mean) / std
    result = normalise(name, images)
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-6)


def find_crops(image, augmented):
    """Return every (flip, top, left) whose crop of the reflect-padded, flipped image is the augmented one."""
    padded = np.pad(image, ((0, 0), (4, 4), (4, 4)), mode="reflect")
    found = []
    for flip in (False, True):
        source = padded[:, :, ::-1] if flip else padded
        for top in range(9):
            for left in range(9):
                if (source[:, top : top + 32, left : left + 32] == augmented).all():
                    found.append((flip, top, left))
    return found


def test_every_augmented_image_is_one_crop_of_its_padded_and_flipped_original():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (600, 3, 32, 32), dtype=torch.uint8, generator=generator)
    before = images.clone()
    augmented = augment(images, generator)
    assert augmented.dtype == torch.uint8 and augmented.shape == images.shape
    assert torch.equal(images, before)
    draws = []
    for image, result in zip(images.numpy(), augmented.numpy(), strict=True):
        crops = find_crops(image, result)
        assert len(crops) == 1
        draws += crops
    flips, tops, lefts = (np.array(column) for column in zip(*draws, strict=True))
    assert 0.43 < flips.mean() < 0.57  # three and a half standard deviations
    for offsets in (tops, lefts):
        counts = np.bincount(offsets, minlength=9)
        assert len(counts) == 9 and ((counts - 600 / 9) ** 2 / (600 / 9)).sum() < 26.1  # chi-square, 0.001
    assert abs(np.corrcoef(tops, lefts)[0, 1]) < 0.15


def test_the_generator_decides_the_augmentation():
    images = torch.randint(256, (8, 3, 32, 32), dtype=torch.uint8)
    first, again, other = (augment(images, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
