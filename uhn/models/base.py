"""The interface between target models and generators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
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


class TargetModel(nn.Module, ABC):
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

    @property
    @abstractmethod
    def global_descriptor(self) -> GlobalDescriptor:
        """The model's structure and task row."""

    @abstractmethod
    def ranges(self) -> Ranges:
        """Return the descriptor ranges of the setting that holds this one model (single-model settings)."""

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
                "expected only layers of uhn.layers, replace the module that owns it"
            )
        return placed

    @property
    def num_params(self) -> int:
        """Number of scalars to generate."""
        return sum(len(placed.grid) for placed in self.placed_components)

    def index_table(self) -> np.ndarray:
        """Return the index descriptors of all scalars in flattening order. Shape (N, 10), float64."""
        return materialise_index_table([placed.grid for placed in self.placed_components])

    def structure_tokens(self) -> np.ndarray:
        """Return one structure row per layer. Shape (L, 29), float64."""
        rows = [layer.describe(layer_idx) for layer_idx, (_, layer) in enumerate(self.layers)]
        return structure_tokens(self.global_descriptor, rows)

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

    def rows_read(self, *inputs: Tensor) -> dict[str, Tensor]:
        """Return which rows of its tensors a forward pass on these inputs reads, where that is not all of them.

        Returns:
            By parameter name, sorted unique int64 indices along the first axis; tensors that are not named are
            read in full.
        """
        return {}

    def run(self, weights: dict[str, Tensor], *inputs: Tensor) -> Tensor:
        """Run the model with the given weights; its own parameters are neither read nor changed."""
        return functional_call(self, weights, inputs, strict=True)


def narrowed(sizes: tuple[int, ...], divisor: int) -> tuple[int, ...]:
    """Divide the hidden widths among layer sizes; the first and the last belong to the data."""
    return (sizes[0], *(max(size // divisor, 1) for size in sizes[1:-1]), sizes[-1])
