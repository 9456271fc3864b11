"""The interface between target models and generators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from uhn.descriptors.index import ComponentGrid, materialise_index_table
from uhn.descriptors.normalization import Ranges
from uhn.descriptors.structure import GlobalDescriptor, structure_tokens
from uhn.errors import UserError
from uhn.layers.base import Component, GeneratedLayer


@dataclass(frozen=True)
class PlacedComponent:
    """A component at its place in a model.

    Args:
        name: name of the parameter in the model's ``named_parameters``.
        component: the tensor as its layer states it.
        grid: its index descriptors.
    """

    name: str
    component: Component
    grid: ComponentGrid


class Target(ABC):
    """What a generator asks of a target model: tensors, their descriptors, and a forward pass with given tensors."""

    name: str
    training: bool

    @abstractmethod
    def train(self, mode: bool = True) -> Self:
        """Run in training mode from now on, or in evaluation mode."""

    @property
    @abstractmethod
    def global_descriptor(self) -> GlobalDescriptor:
        """The model's structure and task row."""

    @abstractmethod
    def ranges(self) -> Ranges:
        """Return the descriptor ranges of the setting that holds this one model (single-model settings)."""

    @property
    @abstractmethod
    def placed_components(self) -> tuple[PlacedComponent, ...]:
        """All components in flattening order: layers in order, inside a layer in storage order."""

    @abstractmethod
    def structure_tokens(self) -> np.ndarray:
        """Return one structure row per layer. Shape (L, 29), float64."""

    @property
    def num_params(self) -> int:
        """Number of scalars to generate."""
        return sum(len(placed.grid) for placed in self.placed_components)

    def index_table(self) -> np.ndarray:
        """Return the index descriptors of all scalars in flattening order. Shape (N, 10), float64."""
        return materialise_index_table([placed.grid for placed in self.placed_components])

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every generated tensor by its name."""
        return {placed.name: placed.component.shape for placed in self.placed_components}

    def unflatten(self, scalars: Tensor) -> dict[str, Tensor]:
        """Cut a vector of all scalars into named tensors.

        Shapes:
            scalars (N,) -> one view per component
        """
        pieces = scalars.split([len(placed.grid) for placed in self.placed_components])
        return {
            placed.name: piece.view(placed.component.shape)
            for placed, piece in zip(self.placed_components, pieces, strict=True)
        }

    def component_tensors(self, weights: Mapping[str, Tensor]) -> list[Tensor]:
        """Return the tensor of every component, in flattening order; the inverse of `unflatten`, up to joining."""
        return [weights[placed.name] for placed in self.placed_components]

    def flatten(self, weights: Mapping[str, Tensor]) -> Tensor:
        """Join named tensors to the vector of all scalars, as `unflatten` cuts it. Shape (N,)."""
        return torch.cat([tensor.reshape(-1) for tensor in self.component_tensors(weights)])

    def rows_read(self, *inputs: Tensor) -> dict[str, Tensor]:
        """Return which rows of its tensors a forward pass on these inputs reads, where that is not all of them.

        Returns:
            By parameter name, sorted unique int64 indices along the first axis; tensors that are not named are
            read in full.
        """
        return {}

    def carried(self) -> dict[str, Tensor]:
        """Return, by name, the tensors beside the generated ones that a forward pass needs: none by default."""
        return {}

    def carry(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over what `carried` of a target like this one returned.

        Raises:
            UserError: a tensor is missing, unknown or of another shape.
        """
        check_tensors(self.name, {name: tuple(tensor.shape) for name, tensor in self.carried().items()}, tensors)

    @abstractmethod
    def run(self, weights: Mapping[str, Tensor], *inputs: Tensor) -> Tensor:
        """Run the model with the given weights; its own parameters are neither read nor changed."""

    def check_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Refuse weights that do not fit: `functional_call` checks no shapes, and broadcasts or widens silently.

        Raises:
            UserError: a tensor is missing, unknown or of another shape.
        """
        check_tensors(self.name, self.shapes, weights)


def check_tensors(target: str, shapes: Mapping[str, tuple[int, ...]], tensors: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are not of these names and shapes.

    Raises:
        UserError: a tensor is missing, unknown or of another shape.
    """
    if missing := shapes.keys() - tensors.keys():
        raise UserError(f"{target}: expected {len(shapes)} tensors, '{min(missing)}' is missing")
    if unknown := tensors.keys() - shapes.keys():
        raise UserError(f"{target}: has no parameter '{min(unknown)}' to set; leave it out of the weights")
    for name, shape in shapes.items():
        if tensors[name].shape != shape:
            raise UserError(
                f"{target}: expected '{name}' of shape {tuple(shape)}, got {tuple(tensors[name].shape)}; "
                "generate the weights from this target"
            )


class TargetModel(nn.Module, Target):
    """A module made of generated layers, run with its own parameters or with generated ones.

    Layers count in the order in which the module registers them.

    Args:
        name: of the model.
        config: its sizes.
    """

    def __init__(self, name: str, config: Any) -> None:
        super().__init__()
        self.name = name
        self.config = config

    @cached_property
    def layers(self) -> tuple[tuple[str, GeneratedLayer], ...]:
        """The generated layers with their module names, in layer order."""
        return tuple((name, m) for name, m in self.named_modules() if isinstance(m, GeneratedLayer))

    @cached_property
    def placed_components(self) -> tuple[PlacedComponent, ...]:
        """All components in flattening order: layers in order, inside a layer in storage order.

        Raises:
            UserError: the model has a parameter that no supported layer states.
        """
        placed = tuple(
            PlacedComponent(
                f"{prefix}.{component.name}",
                component,
                ComponentGrid(layer_idx, layer.layer_type, component.param_type, component.axes),
            )
            for layer_idx, (prefix, layer) in enumerate(self.layers)
            for component in layer.components()
        )
        unstated = {name for name, _ in self.named_parameters()} - {p.name for p in placed}
        if unstated:
            raise UserError(
                f"{type(self).__name__}: parameter {min(unstated)} belongs to no supported layer; "
                "expected only layers of uhn.layers, or uhn.adapt for a module of your own"
            )
        return placed

    def structure_tokens(self) -> np.ndarray:
        """Return one structure row per layer. Shape (L, 29), float64."""
        rows = [layer.describe(layer_idx) for layer_idx, (_, layer) in enumerate(self.layers)]
        return structure_tokens(self.global_descriptor, rows)

    def run(self, weights: Mapping[str, Tensor], *inputs: Tensor) -> Tensor:
        """Run the model with the given weights; its own parameters are neither read nor changed.

        Buffers are the model's: a forward pass that updates them (running statistics) updates them here.

        Raises:
            UserError: the weights do not fit.
        """
        self.check_weights(weights)
        return functional_call(self, {**dict(self.named_buffers()), **weights}, inputs, strict=True)


def narrowed(sizes: tuple[int, ...], divisor: int) -> tuple[int, ...]:
    """Divide the hidden widths among layer sizes; the first and the last belong to the data."""
    return (sizes[0], *(max(size // divisor, 1) for size in sizes[1:-1]), sizes[-1])
