"""Which descriptor field counts along which dimension of a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from uhn.descriptors.index import Axis, IndexField
from uhn.descriptors.vocabulary import LayerType

FIELDS = {
    "out": IndexField.OUT_IDX,
    "in": IndexField.IN_IDX,
    "kh": IndexField.KERNEL_H_IDX,
    "kw": IndexField.KERNEL_W_IDX,
    "embedding": IndexField.EMBEDDING_IDX,
    "sequence": IndexField.SEQUENCE_IDX,
    "grid": IndexField.GRID_IDX,
}
# One field for the whole tensor, in row-major order.
WHOLE = "out*"
# By rank, for tensors that nothing more is known of.
GENERIC_AXES = (
    "",
    "out",
    "out in",
    "out in grid",
    "out in kh kw",
    "out in grid kh kw",
    "out in grid kh kw sequence",
    "out in grid kh kw sequence embedding",
)
MAX_RANK = len(GENERIC_AXES) - 1


@dataclass(frozen=True)
class Role:
    """What a parameter is in its layer.

    Args:
        axes: one of the words of `FIELDS` for each dimension, slowest first, dimensions of extent 1 left out or not;
            or ``out*``, one field for the whole tensor.
        param_type: id of the tensor, or of its first slice; None for the next free id of the layer.
        layer_type: type of the layer as this tensor's descriptors state it; None for the layer's own.
        slices: number of equal slices along the first dimension that are components of their own, ids in sequence.
        start: closed form of its initial distribution, see `uhn.adapted.initial`; None where there is none.
    """

    axes: str
    param_type: int | None = None
    layer_type: LayerType | None = None
    slices: int = 1
    start: str | None = None

    def __post_init__(self) -> None:
        words = self.axes.split()
        if self.axes != WHOLE and (len(set(words)) < len(words) or not FIELDS.keys() >= set(words)):
            raise ValueError(f"axes '{self.axes}': expected distinct words of {', '.join(FIELDS)}, or {WHOLE}")


POSITION_TABLE = Role("sequence out", param_type=1, layer_type=LayerType.EMBEDDING)


def axes_of(words: str, shape: Sequence[int]) -> tuple[Axis, ...] | None:
    """Return the axes of a tensor of some shape; None if the words do not fit its rank."""
    if words == WHOLE:
        return (Axis(FIELDS["out"], prod(shape)),)
    fields = [FIELDS[word] for word in words.split()]
    extents = list(shape)
    if len(fields) < len(extents):
        extents = [extent for extent in extents if extent != 1]
    return tuple(map(Axis, fields, extents)) if len(fields) == len(extents) else None


def generic_axes(shape: Sequence[int]) -> tuple[Axis, ...]:
    """Return axes by position, at most `MAX_RANK`."""
    return tuple(map(Axis, (FIELDS[word] for word in GENERIC_AXES[len(shape)].split()), shape))
