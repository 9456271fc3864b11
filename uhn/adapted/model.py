"""A module of the user's as a target model."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.utils._pytree import tree_map

from uhn.adapted.buffers import POLICIES, estimating, running_norms, use_batch_statistics
from uhn.adapted.checks import check_module
from uhn.adapted.layers import FoundLayer, Roles, find_layers
from uhn.adapted.order import Inputs, in_call_order
from uhn.adapted.parts import join
from uhn.adapted.ranges import ranges_of
from uhn.adapted.structure import describe
from uhn.adapted.template import copy_module, make_template
from uhn.descriptors.index import ComponentGrid
from uhn.descriptors.normalization import Ranges
from uhn.descriptors.structure import GlobalDescriptor, structure_tokens
from uhn.descriptors.vocabulary import ModelType, TaskType
from uhn.errors import UserError
from uhn.files import write_bytes
from uhn.models.base import PlacedComponent, Target, TargetModel


def adapt(
    module: nn.Module,
    *,
    name: str | None = None,
    order: Literal["registration", "call"] = "registration",
    example_inputs: Inputs | None = None,
    buffers: Literal["per_target", "batch"] = "per_target",
    roles: Roles | None = None,
    task: int | None = None,
) -> AdaptedModel:
    """Make a module of the user's a target model, whose trained parameters a generator can produce.

    The module stays as it is and is not needed afterwards: the target has a copy without weights.

    Args:
        module: any module. Parameters with ``requires_grad`` are generated, frozen ones and buffers are carried.
        name: of the target in messages; by default the module's class.
        order: how layers count: as they are registered, or as a forward pass on ``example_inputs`` calls them.
        example_inputs: a tensor, a tuple of arguments or a dict of keyword arguments, for ``order="call"``.
        buffers: whose running statistics norms use. ``per_target``: the target's, which training updates and
            `AdaptedModel.materialise` hands out; ``batch``: none, every batch has its own.
        roles: what some parameters are, by name, where it cannot be known: words for their dimensions, such as
            ``"sequence out"``, or a `Role`. See `uhn.adapted.roles`.
        task: number of the task that the target is for, in the structure rows; 0 by default.

    Raises:
        TypeError: the argument is no module, or one that cannot be run with given weights.
        UserError: a ValueError: something of the module cannot be generated, or an option does not exist.
    """
    check_module(module)
    if order not in ("registration", "call"):
        raise UserError(f"order: expected 'registration' or 'call', got '{order}'")
    if (order == "call") != (example_inputs is not None):
        raise UserError("order: expected example_inputs with order='call', and only then")
    if buffers not in POLICIES:
        raise UserError(f"buffers: expected one of {', '.join(POLICIES)}, got '{buffers}'")
    layers = find_layers(module, roles or {})
    if example_inputs is not None:
        layers = in_call_order(layers, module, example_inputs)
    template = make_template(module)
    if buffers == "batch":
        use_batch_statistics(template)
    paper = module if isinstance(module, TargetModel) else None
    descriptor = paper.global_descriptor if paper else GlobalDescriptor(ModelType.OWN, TaskType.OWN, 0, len(layers))
    if task is not None:
        descriptor = replace(descriptor, dataset_type=task)
    name = name or (paper.name if paper else type(module).__name__)
    return AdaptedModel(name, template, layers, descriptor, paper.ranges() if paper else None)


class AdaptedModel(Target):
    """A target model made by `adapt`.

    Args:
        name: in messages.
        template: the module without values of what is generated.
        layers: its layers in the order in which they count.
        descriptor: the model's structure row.
        ranges: descriptor ranges of its setting; None for what the model itself spans.
    """

    def __init__(
        self,
        name: str,
        template: nn.Module,
        layers: Sequence[FoundLayer],
        descriptor: GlobalDescriptor,
        ranges: Ranges | None,
    ) -> None:
        self.name = name
        self._template = template
        self._descriptor = descriptor
        self._tokens = structure_tokens(descriptor, [describe(layer, idx) for idx, layer in enumerate(layers)])
        found = [(idx, component) for idx, layer in enumerate(layers) for component in layer.components]
        self._parts = [component.part for _, component in found]
        self._placed = tuple(
            PlacedComponent(
                f.part.label, f.component, ComponentGrid(idx, f.layer_type, f.component.param_type, f.component.axes)
            )
            for idx, f in found
        )
        self._ranges = ranges or ranges_of([placed.grid for placed in self._placed], self._tokens)
        generated = {part.parameter for part in self._parts}
        parameters = dict(template.named_parameters())
        self._dtypes = {name: parameters[name].dtype for name in parameters if name in generated}
        self.shapes = {name: tuple(parameters[name].shape) for name in self._dtypes}
        self._frozen = {name: p.detach() for name, p in parameters.items() if name not in generated}
        self.buffers = {name: buffer.detach() for name, buffer in template.named_buffers()}
        self._loops = False

    def __repr__(self) -> str:
        return f"AdaptedModel({self.name}: {len(self._tokens)} layers, {self.num_params} scalars)"

    @property
    def global_descriptor(self) -> GlobalDescriptor:
        return self._descriptor

    @property
    def placed_components(self) -> tuple[PlacedComponent, ...]:
        """All components in flattening order; those that are pieces of a parameter are named after their slice."""
        return self._placed

    def ranges(self) -> Ranges:
        """Return the ranges that this one model spans; those of its setting for a model of the paper."""
        return self._ranges

    def structure_tokens(self) -> np.ndarray:
        """Return one structure row per layer. Shape (L, 29), float64."""
        return self._tokens

    @property
    def training(self) -> bool:
        """Whether `run` runs the module in training mode; as the module was adapted, until `train` or `eval`."""
        return self._template.training

    def train(self, mode: bool = True) -> Self:
        """Run in training mode from now on, or in evaluation mode; the module that was adapted stays as it is."""
        self._template.train(mode)
        return self

    def eval(self) -> Self:
        """Run in evaluation mode from now on."""
        return self.train(False)

    def to(self, device: torch.device | str) -> Self:
        """Move buffers and frozen parameters. `run` moves them to its weights, so there is seldom a need to."""
        self.buffers = {name: buffer.to(device) for name, buffer in self.buffers.items()}
        self._frozen = {name: parameter.to(device) for name, parameter in self._frozen.items()}
        return self

    def carried(self) -> dict[str, Tensor]:
        """Return frozen parameters and buffers by name."""
        return {**self._frozen, **self.buffers}

    def carry(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over the frozen parameters and buffers of a target like this one.

        Raises:
            UserError: a tensor is missing, unknown or of another shape.
        """
        super().carry(tensors)
        self._frozen = {name: tensors[name].to(frozen, copy=True) for name, frozen in self._frozen.items()}
        self.buffers = {name: tensors[name].to(buffer, copy=True) for name, buffer in self.buffers.items()}

    def unflatten(self, scalars: Tensor) -> dict[str, Tensor]:
        """Make the generated parameters, in the module's types, from all scalars. Shapes: scalars (N,)."""
        pieces = scalars.split([len(placed.grid) for placed in self._placed])
        shaped = [p.view(placed.component.shape) for p, placed in zip(pieces, self._placed, strict=True)]
        return join(self._parts, shaped, self._dtypes)

    def component_tensors(self, weights: Mapping[str, Tensor]) -> list[Tensor]:
        """Cut weights into the tensors of all components, in flattening order."""
        return [part.of(weights[part.parameter]) for part in self._parts]

    def run(self, weights: Mapping[str, Tensor], *inputs: Any, **keywords: Any) -> Any:
        """Run the module with the given weights.

        Buffers are the target's: what a forward pass updates (running statistics) is kept in `buffers`, unless the
        pass fails.

        Args:
            weights: by parameter name; tied parameters under the first.
            inputs, keywords: of the module.

        Returns:
            What the module returns.

        Raises:
            UserError: the weights do not fit.
        """
        self.check_weights(weights)
        self._follow(weights)
        buffers = {name: buffer.clone() for name, buffer in self.buffers.items()}
        state = {**self._frozen, **buffers, **weights}
        output = functional_call(self._template, state, inputs, keywords, strict=True)
        self.buffers = {name: state[name].detach() for name in buffers}
        return output

    def run_many(self, weights: Sequence[Mapping[str, Tensor]], *inputs: Any, **keywords: Any) -> Any:
        """Run the module on the same inputs with several weight sets at once, by `torch.func.vmap`.

        Where vmap has no rule for what the module does (LSTM, GRU), the sets are run one by one, with one warning.
        Every set starts from the target's buffers; what it updates is dropped. Random numbers (dropout) differ from
        set to set.

        Args:
            weights: K sets.
            inputs, keywords: of the module.

        Returns:
            What the module returns, all tensors stacked along a new first dimension of size K.

        Raises:
            UserError: no weight set, or one that does not fit.
        """
        if not weights:
            raise UserError(f"{self.name}: run_many expected at least one weight set, got none")
        for weight_set in weights:
            self.check_weights(weight_set)
        self._follow(weights[0])

        def call(weight_set: Mapping[str, Tensor], buffers: Mapping[str, Tensor]) -> Any:
            state = {**self._frozen, **buffers, **weight_set}
            return functional_call(self._template, state, inputs, keywords, strict=True)

        problem = None
        if not self._loops:
            try:
                stacked = {name: torch.stack([weight_set[name] for weight_set in weights]) for name in self.shapes}
                copies = {name: torch.stack([buffer] * len(weights)) for name, buffer in self.buffers.items()}
                return vmap(call, randomness="different")(stacked, copies)
            except (RuntimeError, ValueError) as error:
                problem = str(error).splitlines()[0]
        outputs = [call(weight_set, {n: b.clone() for n, b in self.buffers.items()}) for weight_set in weights]
        if problem is not None:
            self._loops = True
            warnings.warn(
                f"{self.name}: run_many runs one weight set after the other, torch.func.vmap fails: {problem}",
                stacklevel=2,
            )
        return tree_map(lambda *tensors: torch.stack(tensors), *outputs)

    def recalibrate(self, weights: Mapping[str, Tensor], batches: Iterable[Any]) -> None:
        """Estimate running statistics again for the given weights: their mean over the batches.

        A target without running statistics stays as it is. Dropout is off. After an exception the old statistics are
        back.

        Args:
            weights: the module's weights.
            batches: inputs of the module, a tensor or a tuple each.

        Raises:
            UserError: the weights do not fit, or there is no batch.
        """
        norms = running_norms(self._template)
        if not norms:
            return
        kept, count = self.buffers, 0
        try:
            with estimating(self._template):
                for count, batch in enumerate(batches, start=1):
                    for norm in norms.values():
                        norm.momentum = 1 / count  # a running mean; the first batch replaces the old statistics
                    self.run(weights, *(batch if isinstance(batch, tuple | list) else (batch,)))
            if not count:
                raise UserError(f"{self.name}: recalibrate expected at least one batch, got none")
        except BaseException:
            self.buffers = kept
            raise

    def materialise(self, weights: Mapping[str, Tensor]) -> nn.Module:
        """Return an ordinary copy of the module that has the given weights and the target's buffers.

        Names, types and tied parameters are the module's; parameters are trained or frozen as there. With
        ``buffers="batch"`` its norms keep no running statistics.

        Raises:
            UserError: the weights do not fit.
        """
        self.check_weights(weights)
        self._follow(weights)
        state = {**self._frozen, **self.buffers, **weights}
        replaced: dict[int, Tensor] = {}
        for name, parameter in self._template.named_parameters():
            value = state[name].detach().to(parameter.dtype, copy=True)
            replaced[id(parameter)] = nn.Parameter(value, parameter.requires_grad)
        for name, buffer in self._template.named_buffers():
            replaced[id(buffer)] = state[name].clone()
        return copy_module(self._template, replaced)

    def save(self, weights: Mapping[str, Tensor], path: Path | str) -> None:
        """Write the state of the materialised module as a safetensors file.

        Tied tensors are written once, under their first name; the metadata map the other names to it, as those of
        `safetensors.torch.save_model` do. `safetensors.torch.load_model` reads the file into the user's module.

        Raises:
            UserError: the weights do not fit, or the file cannot be written.
        """
        tensors: dict[str, Tensor] = {}
        aliases: dict[str, str] = {}
        first_names: dict[int, str] = {}
        for name, tensor in self.materialise(weights).state_dict(keep_vars=True).items():
            if not isinstance(tensor, Tensor):
                raise UserError(f"{self.name}: '{name}' of its state is no tensor; expected tensors only")
            first = first_names.setdefault(id(tensor), name)
            if first == name:
                tensors[name] = tensor.detach().contiguous()
            else:
                aliases[name] = first
        write_bytes(Path(path), save(tensors, {"format": "pt", **aliases}))

    def _follow(self, weights: Mapping[str, Tensor]) -> None:
        """Move buffers and frozen parameters to where the weights are."""
        device = next(iter(weights.values())).device
        if any(tensor.device != device for tensor in (*self.buffers.values(), *self._frozen.values())):
            self.to(device)
