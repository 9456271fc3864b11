"""What every generated layer states about itself, as data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from math import prod
from typing import ClassVar

from torch import nn

from uhn.descriptors.index import Axis, IndexField
from uhn.descriptors.structure import LayerDescriptor
from uhn.descriptors.vocabulary import InitializationType, LayerType
from uhn.layers.activation import IDENTITY, Activation
from uhn.layers.functional import Activations, layer_norm


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
    """A module with ordinary parameters whose tensors a generator can produce.

    Attributes:
        activation: applied to the input first.
        norm: whether the activated input is normalised, without parameters.
        shortcut: whether the input is added to the output.
        dropout: rate.
        initialization: default or zero.
    """

    layer_type: ClassVar[LayerType]
    activation: Activation = IDENTITY
    norm: bool = False
    shortcut: bool = False
    dropout: float = 0.0
    initialization = InitializationType.DEFAULT

    @abstractmethod
    def components(self) -> tuple[Component, ...]:
        """Return the weight tensors in storage order."""

    def number_components(self, *layout: tuple[str, tuple[IndexField, ...], InitTarget]) -> tuple[Component, ...]:
        """Number parameters in storage order, with zero targets where the layer is initialised to zero.

        Args:
            layout: name of the parameter, the fields that count over it, target of the default initialisation. Where
                a parameter has more dimensions than fields, the first field counts over the first ones together.
        """
        zero = self.initialization is InitializationType.ZERO
        components = []
        for param_type, (name, fields, init) in enumerate(layout):
            shape = tuple(getattr(self, name).shape)
            merged = len(shape) - len(fields) + 1
            extents = (prod(shape[:merged]), *shape[merged:])
            axes = tuple(Axis(field, extent) for field, extent in zip(fields, extents, strict=True))
            components.append(Component(name, param_type, shape, axes, InitTarget(0.0, 0.0) if zero else init))
        return tuple(components)

    def describe(self, layer_idx: int) -> LayerDescriptor:
        """Return the layer's structure row at a position of the model."""
        has_bias = any(c.name.endswith("bias") and 0 not in c.shape for c in self.components())
        return LayerDescriptor(
            layer_idx=layer_idx,
            layer_type=self.layer_type,
            bias_type=int(has_bias),
            norm_type=int(self.norm),
            shortcut_type=int(self.shortcut),
            activation_type=self.activation.kind,
            activation_param=self.activation.param,
            dropout_rate=self.dropout,
            initialization_type=self.initialization,
            **self.structure(),
        )

    @abstractmethod
    def structure(self) -> dict[str, int]:
        """Return the fields of the structure row that `describe` does not know: sizes and what the type has alone."""

    def reset_parameters(self) -> None:
        """Draw the parameters that direct training starts from; they are zero where the layer is initialised so."""
        for parameter in self.parameters():
            nn.init.zeros_(parameter)
        if self.initialization is InitializationType.DEFAULT:
            self.draw_parameters()

    @abstractmethod
    def draw_parameters(self) -> None:
        """Draw the parameters that do not start at zero."""

    def activated(self, x: Activations) -> Activations:
        """Return the activated and, if the layer has a norm, normalised input."""
        hidden = self.activation(x)
        return layer_norm(hidden) if self.norm else hidden

    def extra_repr(self) -> str:
        fields = {name: value for name, value in vars(self.describe(0)).items() if value and name != "layer_type"}
        return ", ".join(
            f"{name}={value.name.lower() if isinstance(value, Enum) else value}" for name, value in fields.items()
        )
