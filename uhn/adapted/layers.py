"""The layers of any module: who owns which parameter, and what its components are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from uhn.adapted.initial import initial_target
from uhn.adapted.kinds import Kind, kind_of
from uhn.adapted.parts import Part
from uhn.adapted.roles import Role, axes_of, generic_axes
from uhn.descriptors.index import Axis
from uhn.errors import UserError
from uhn.layers.base import Component, GeneratedLayer

Roles = Mapping[str, Role | str]


@dataclass(frozen=True)
class FoundComponent:
    """A component before its layer has an index.

    Args:
        part: its piece of a parameter.
        component: the piece's shape, axes and initialisation target.
        layer_type: type of the layer, as its descriptors state it.
    """

    part: Part
    component: Component
    layer_type: int


@dataclass(frozen=True)
class FoundLayer:
    """A module, or one level of a recurrent module, that owns parameters to generate.

    Args:
        name: of the module.
        module: the module.
        kind: what is known of it.
        components: by param type.
    """

    name: str
    module: nn.Module
    kind: Kind
    components: tuple[FoundComponent, ...]


@dataclass(frozen=True)
class _Claim:
    """A parameter of a layer, with its default role, whose id is set."""

    local: str
    tensor: Tensor
    role: Role


def find_layers(module: nn.Module, roles: Roles) -> list[FoundLayer]:
    """Return the layers in the order in which the module registers them.

    Parameters that are trained are generated, once each, in the layer that registers them first.

    Args:
        module: any module.
        roles: of some parameters by name, for what cannot be known; see `Role`.

    Raises:
        UserError: a role of an unknown parameter, or one that does not fit.
    """
    free = {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}
    if unknown := roles.keys() - free.keys():
        raise UserError(
            f"roles: the module has no trained parameter '{min(unknown)}'; expected names such as '{min(free)}'"
        )
    return [layer for name, owner in module.named_modules() for layer in _layers_of(name, owner, free, roles)]


def _layers_of(name: str, owner: nn.Module, free: dict[str, Tensor], roles: Roles) -> Iterator[FoundLayer]:
    prefix = f"{name}." if name else ""
    stated = {c.name: c for c in owner.components()} if isinstance(owner, GeneratedLayer) else {}
    if isinstance(owner, GeneratedLayer):
        kind = Kind(owner.layer_type, {local: Role("", component.param_type) for local, component in stated.items()})
    else:
        kind = kind_of(owner)
    known = {
        template.format(level): (level, role) for level in kind.levels(owner) for template, role in kind.tensors.items()
    }
    claims: dict[str, list[_Claim]] = {level: [] for level in kind.levels(owner)}
    for local, (level, role) in {**known, **_others(owner, kind, known)}.items():
        if prefix + local in free:
            claims[level].append(_Claim(local, free.pop(prefix + local), role))
    as_stated = {local for local in stated if prefix + local not in roles}
    for claimed in filter(None, claims.values()):
        components = [
            FoundComponent(Part(prefix + claim.local), stated[claim.local], kind.layer_type)
            for claim in claimed
            if claim.local in as_stated
        ]
        others = [claim for claim in claimed if claim.local not in as_stated]
        components += _components(prefix, kind, others, roles)
        yield FoundLayer(name, owner, kind, _in_order(components))


def _others(owner: nn.Module, kind: Kind, known: Mapping[str, tuple[str, Role]]) -> dict[str, tuple[str, Role]]:
    """Return the level and the role of what the table does not know: ids follow the kind's, in registration order."""
    level = kind.levels(owner)[0]
    first = max((role.param_type + role.slices for role in kind.tensors.values()), default=0)
    names = {local: "" for local in owner._parameters if local not in known}
    if is_parametrized(owner):
        for tensor, parametrizations in owner.parametrizations.items():
            axes = known[tensor][1].axes if tensor in known else ""
            names |= {f"parametrizations.{tensor}.{local}": axes for local in parametrizations._parameters}
    return {local: (level, Role(axes, first + place)) for place, (local, axes) in enumerate(names.items())}


def _components(prefix: str, kind: Kind, claims: list[_Claim], roles: Roles) -> Iterator[FoundComponent]:
    """Yield the components of one layer's parameters."""
    # The real and the imaginary part of a tensor have an id each: a layer with a complex tensor counts in pairs.
    pair = 2 if any(claim.tensor.is_complex() for claim in claims) else 1
    for claim in claims:
        name, tensor = prefix + claim.local, claim.tensor
        role = _chosen(name, claim.role, roles.get(name))
        if not _fits(role, tensor):
            if name in roles:
                raise UserError(f"role of '{name}': axes '{role.axes}' do not fit shape {tuple(tensor.shape)}")
            role = replace(role, axes="", slices=1)
        for number, part in enumerate(_slices(name, tensor, role.slices)):
            for plane, place in (("real", 0), ("imag", 1)) if tensor.is_complex() else (("", 0),):
                part = replace(part, plane=plane)
                piece = part.of(tensor.detach())
                component = Component(
                    name=claim.local,
                    param_type=pair * (role.param_type + number) + place,
                    shape=tuple(piece.shape),
                    axes=_axes(role, piece),
                    init=initial_target(piece, role.start, claims[0].tensor),
                )
                yield FoundComponent(part, component, kind.layer_type if role.layer_type is None else role.layer_type)


def _chosen(name: str, default: Role, override: Role | str | None) -> Role:
    if override is None:
        return default
    if isinstance(override, str):
        try:
            return replace(default, axes=override, slices=1)
        except ValueError as error:
            raise UserError(f"role of '{name}': {error}") from None
    return override if override.param_type is not None else replace(override, param_type=default.param_type)


def _fits(role: Role, tensor: Tensor) -> bool:
    if not role.axes:
        return True
    sliced = role.slices == 1 or (tensor.ndim > 0 and len(tensor) > 0 and len(tensor) % role.slices == 0)
    return sliced and axes_of(role.axes, tensor.shape) is not None


def _axes(role: Role, piece: Tensor) -> tuple[Axis, ...]:
    return (axes_of(role.axes, piece.shape) if role.axes else None) or generic_axes(piece.shape)


def _slices(name: str, tensor: Tensor, count: int) -> list[Part]:
    if count == 1:
        return [Part(name)]
    rows = len(tensor) // count
    return [Part(name, (start, start + rows)) for start in range(0, len(tensor), rows)]


def _in_order(components: list[FoundComponent]) -> tuple[FoundComponent, ...]:
    """Sort by id and check that no two components have the same descriptors."""
    by_id: dict[tuple[int, int], FoundComponent] = {}
    for found in components:
        other = by_id.setdefault((found.layer_type, found.component.param_type), found)
        if other is not found:
            raise UserError(
                f"role of '{found.part.parameter}': param type {found.component.param_type} is that of "
                f"'{other.part.parameter}' in the same layer; choose another, or none"
            )
    return tuple(sorted(components, key=lambda found: found.component.param_type))
