"""Batches of images made on a GPU, real or pretended, equal those made on the CPU."""

import pytest
import torch

from uhn.data.images import ImageSet, augment, normalise


@pytest.fixture(params=["pretend", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request):
    if request.param == "pretend":
        request.getfixturevalue("pretend_gpu")
    return torch.device(request.param, 0)


def test_images(device):
    pixels = torch.randint(256, (256, 3, 32, 32), dtype=torch.uint8)
    images = ImageSet(pixels, torch.zeros(256, dtype=torch.int64), {}).to(device)
    generators = [torch.Generator().manual_seed(3) for _ in range(2)]
    expected, result = (augment(*pair) for pair in zip((pixels, images.images), generators, strict=True))
    assert result.device == device and torch.equal(result.cpu(), expected)
    torch.testing.assert_close(normalise("cifar10", result).cpu(), normalise("cifar10", expected))


@pytest.mark.gpu
def test_draws_on_the_device():
    pixels = torch.randint(256, (256, 3, 32, 32), dtype=torch.uint8, device="cuda")
    result = augment(pixels, torch.Generator("cuda").manual_seed(3))
    assert result.is_cuda and result.shape == pixels.shape
