"""Batches and accuracy on MNIST's files, or Fashion-MNIST's: FOLDER has MNIST/raw/*.gz."""

import torch

from uhn.data.mnist import read_images


def load_split(folder, split):
    """Return images (n, 1, 28, 28) and labels (n,)."""
    images, labels = map(torch.tensor, read_images(folder, split))
    return images / 64 - 2, labels.long()


def draw_batches(images, labels, size=64):
    """Draw batches for ever."""
    while True:
        rows = torch.randint(len(images), (size,))
        yield images[rows], labels[rows]


@torch.no_grad()
def accuracy(model, images, labels):
    """Return the share of images that a model, in evaluation mode, classifies right."""
    predicted = torch.cat([model(part).argmax(1) for part in images.split(1000)])
    return (predicted == labels).float().mean().item()
