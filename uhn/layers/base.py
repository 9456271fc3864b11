"""What every generated layer states about itself, as data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from torch import nn

from uhn.descriptors.index import Axis
from uhn.descriptors.structure import LayerDescriptor
from uhn.descriptors.vocabulary import InitializationType, LayerType


@dataclass(frozen=True)
class InitTarget:
    """Mean and standard deviation that the initialisation phase aims at (paper, Section 3.4)."""

    mean: float
    std: float


@dataclass(frozen=True)
class Component:
    """One weight tensor of a layer.

    Args:
        name: name of the parameter in the layer's module.
        param_type: its id within the layer type; also its place in the storage order.
        shape: shape of the parameter.
        axes: the descriptor fields that count over it, row-major.
        init: target statistics of the initialisation phase.
    """

    name: str
    param_type: int
    shape: tuple[int, ...]
    axes: tuple[Axis, ...]
    init: InitTarget

    def __post_init__(self) -> None:
        counted = prod(axis.extent for axis in self.axes)
        if counted != prod(self.shape):
            raise ValueError(f"component {self.name}: axes count {counted} scalars, shape {self.shape} differs")


class GeneratedLayer(nn.Module, ABC):
    """A module with ordinary parameters whose tensors a generator can produce."""

    layer_type: ClassVar[LayerType]
    initialization = InitializationType.DEFAULT

    def number_components(self, *layout: tuple[str, tuple[Axis, ...], InitTarget]) -> tuple[Component, ...]:
        """Number parameters in storage order, with zero targets where the layer is initialised to zero.

        Args:
            layout: name of the parameter, the fields that count over it, target of the default initialisation.
        """
        zero = self.initialization is InitializationType.ZERO
        return tuple(
            Component(name, param_type, tuple(getattr(self, name).shape), axes, InitTarget(0.0, 0.0) if zero else init)
            for param_type, (name, axes, init) in enumerate(layout)
        )

    @abstractmethod
    def components(self) -> tuple[Component, ...]:
        """Return the weight tensors in storage order."""

    @abstractmethod
    def describe(self, layer_idx: int) -> LayerDescriptor:
        """Return the layer's structure row at a position of the model."""

    @abstractmethod
    def reset_parameters(self) -> None:
        """Draw the parameters that direct training starts from."""
