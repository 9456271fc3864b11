"""Batches, direct training and accuracy on MNIST's files, or Fashion-MNIST's: FOLDER has MNIST/raw/*.gz."""

from itertools import islice

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


def train_directly(model, loss, batches, steps, lr):
    """Train the weights themselves, with warm-up and a cosine like uhn.fit."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.1)
    for inputs, labels in islice(batches, steps):
        optimizer.zero_grad()
        loss(model(inputs), labels).backward()
        optimizer.step()
        schedule.step()


@torch.no_grad()
def accuracy(model, images, labels):
    """Return the share of images that a model, in evaluation mode, classifies right."""
    predicted = torch.cat([model(part).argmax(1) for part in images.split(1000)])
    return (predicted == labels).float().mean().item()
