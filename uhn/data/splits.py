"""Which examples validate, and in which order examples train (the paper's rules)."""

from __future__ import annotations

import torch
from torch import Tensor

from uhn.descriptors.vocabulary import DatasetType
from uhn.errors import UserError

VALIDATION_SEED = 42
VALIDATION_SHARE = 0.2
CIFAR10_VALIDATION_SHARE = 0.1
GRAPHS = ("citeseer", "cora", "pubmed")  # their validation nodes belong to the public split


def dataset_id(dataset: str) -> int:
    """Return a data set's id, which enters its seeds.

    Raises:
        UserError: there is no such data set.
    """
    try:
        return int(DatasetType[dataset.upper()])
    except KeyError:
        known = ", ".join(member.name.lower() for member in DatasetType)
        raise UserError(f"unknown data set {dataset!r}; expected one of {known}") from None


def validation_split(dataset: str, count: int) -> tuple[Tensor, Tensor]:
    """Split the training part: the first indices of a permutation train, the rest validates.

    The permutation is torch's, from a private CPU generator seeded 42 + data set id: the same for every run seed.

    Args:
        dataset: name of a data set that is not a graph.
        count: number of training examples.

    Returns:
        Indices to train on and indices to validate on, in the permutation's order.

    Raises:
        UserError: the data set is unknown or a graph.
    """
    if dataset in GRAPHS:
        raise UserError(f"{dataset}: its validation nodes are those of the public split; use the graph's val_mask")
    generator = torch.Generator().manual_seed(VALIDATION_SEED + dataset_id(dataset))
    order = torch.randperm(count, generator=generator)
    share = CIFAR10_VALIDATION_SHARE if dataset == "cifar10" else VALIDATION_SHARE
    train = count - round(share * count)
    return order[:train], order[train:]


def training_order_generator(dataset: str, run_seed: int) -> torch.Generator:
    """Return the CPU generator of the training order: one ``torch.randperm`` from it for each pass over the data."""
    return torch.Generator().manual_seed(run_seed + 1000 * dataset_id(dataset))
