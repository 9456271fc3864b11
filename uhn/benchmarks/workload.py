"""Targets, generators of the paper's sizes, and synthetic batches of the true sizes."""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from uhn.configuration.generators import UHNConfig
from uhn.descriptors.normalization import Ranges
from uhn.descriptors.structure import GlobalDescriptor
from uhn.descriptors.vocabulary import DatasetType, TaskType
from uhn.errors import UserError
from uhn.layers.conv import ConvLayer
from uhn.models.base import TargetModel
from uhn.models.cnn import CNNConfig, cnn_ranges
from uhn.models.registry import build_model

# Data sets whose settings use the smaller generator.
SMALL_GENERATOR = {DatasetType.MNIST, DatasetType.RECURSIVE_IMAGE}
IMAGE_SHAPES = {DatasetType.MNIST: (1, 28, 28), DatasetType.CIFAR10: (3, 32, 32)}
# Nodes, directed edges, labelled training nodes.
GRAPH_SIZES = {
    DatasetType.CORA: (2708, 10556, 140),
    DatasetType.CITESEER: (3327, 9104, 120),
    DatasetType.PUBMED: (19717, 88648, 60),
}
# Typical tokens of a padded batch.
TEXT_LENGTHS = {DatasetType.AG_NEWS: 122, DatasetType.IMDB: 256}
BATCH = 256
POINTS = 1000

CPU = torch.device("cpu")
LossOfWeights = Callable[[dict[str, Tensor]], Tensor]


class ConvStack(TargetModel):
    """Equal convolutions one after the other, named ``conv<layers>x<width>``: a target of any size.

    Shapes:
        images (batch, width, h, w) -> (batch, width, h, w)
    """

    def __init__(self, name: str, layers: int, width: int) -> None:
        super().__init__(name, CNNConfig(DatasetType.CIFAR10, width, (layers,), (width,)))
        self.convs = nn.ModuleList(ConvLayer(width, width, shortcut=True) for _ in range(layers))

    @property
    def global_descriptor(self) -> GlobalDescriptor:
        return GlobalDescriptor(1, TaskType.IMAGE_CLASSIFICATION, DatasetType.CIFAR10, len(self.convs), 1)

    def ranges(self) -> Ranges:
        """Return the ranges of a CNN of this width."""
        depth, width = len(self.convs), self.config.in_channels
        return cnn_ranges(self.config, (depth, depth), (width, width))

    def forward(self, images: Tensor) -> Tensor:
        for conv in self.convs:
            images = conv(images)
        return images


def build_target(name: str) -> TargetModel:
    """Build a target of the registry, or a `ConvStack`.

    Raises:
        UserError: unknown name.
    """
    if stack := re.fullmatch(r"conv(\d+)x(\d+)", name):
        return ConvStack(name, int(stack[1]), int(stack[2]))
    return build_model(name)


def generator_config(target: TargetModel, frequencies: int | None = None, hidden_dim: int | None = None) -> UHNConfig:
    """Return the sizes the paper uses for a target (without structure encoder), or the given ones."""
    small = target.global_descriptor.dataset_type in SMALL_GENERATOR
    return UHNConfig(
        index_frequencies=frequencies or (1024 if small else 2048), hidden_dim=hidden_dim or (64 if small else 128)
    )


def check_trainable(target: TargetModel) -> None:
    """Refuse targets without a data set.

    Raises:
        UserError: there is no batch for such a target.
    """
    if isinstance(target, ConvStack) or target.global_descriptor.task_type is TaskType.RECURSIVE:
        raise UserError(f"step benchmark: no synthetic batch for '{target.name}'; use uhn bench generator")


def batch_loss(target: TargetModel, device: torch.device = CPU) -> LossOfWeights:
    """Draw a synthetic batch for a target; return the training loss on it as a function of the weights.

    Args:
        target: on the device.
        device: for the batch.
    """
    dataset, task = target.global_descriptor.dataset_type, target.global_descriptor.task_type
    labelled = slice(None)
    if task is TaskType.IMAGE_CLASSIFICATION:
        inputs = (torch.randn(BATCH, *IMAGE_SHAPES[dataset]),)
    elif task is TaskType.TEXT_CLASSIFICATION:
        inputs = (torch.randint(2, target.config.vocabulary_size, (BATCH, TEXT_LENGTHS[dataset])),)
    elif task is TaskType.NODE_CLASSIFICATION:
        nodes, edges, training = GRAPH_SIZES[dataset]
        width = target.config.sizes[0] if hasattr(target.config, "sizes") else target.config.in_features
        inputs = (torch.rand(nodes, width), torch.randint(nodes, (2, edges)))
        labelled = slice(training)
    else:
        inputs = (torch.rand(POINTS, target.config.sizes[0]),)
    inputs = tuple(tensor.to(device) for tensor in inputs)
    target.train()
    with torch.no_grad():
        outputs = target(*inputs)[labelled]
    if task is TaskType.FORMULA_REGRESSION:
        values = torch.randn_like(outputs)
        return lambda weights: F.mse_loss(target.run(weights, *inputs), values)
    labels = torch.randint(outputs.shape[1], (len(outputs),)).to(device)
    return lambda weights: F.cross_entropy(target.run(weights, *inputs)[labelled].float(), labels)
