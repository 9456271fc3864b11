"""A small target for the tests of generators."""

from uhn.descriptors.vocabulary import DatasetType
from uhn.models.cnn import CNN, CNNConfig


def small_cnn():
    """A CNN whose channels are multiples of 4."""
    return CNN("small", CNNConfig(DatasetType.CIFAR10, 3, (1, 1, 2, 1), (4, 4, 8, 16), group_num=4))
