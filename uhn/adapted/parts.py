"""Components that are pieces of a parameter: its slices, or the real and the imaginary part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Part:
    """A component's piece of a parameter; without rows and plane the whole of it.

    Args:
        parameter: name of the parameter.
        rows: first row and the row after the last.
        plane: ``real`` or ``imag`` of a complex tensor, otherwise empty.
    """

    parameter: str
    rows: tuple[int, int] | None = None
    plane: str = ""

    @property
    def label(self) -> str:
        """The piece's name, such as ``attention.in_proj_weight[0:64]``."""
        rows = "" if self.rows is None else f"[{self.rows[0]}:{self.rows[1]}]"
        return f"{self.parameter}{rows}{self.plane and '.'}{self.plane}"

    def of(self, tensor: Tensor) -> Tensor:
        """Cut the piece out of its parameter."""
        piece = tensor if self.rows is None else tensor[slice(*self.rows)]
        return getattr(piece, self.plane) if self.plane else piece


def join(parts: Sequence[Part], pieces: Sequence[Tensor], dtypes: Mapping[str, torch.dtype]) -> dict[str, Tensor]:
    """Put parameters together from their pieces, in the parameters' types.

    Args:
        parts: all pieces of all parameters, those of one parameter from its first row on.
        pieces: their tensors.
        dtypes: by name of the parameter.
    """
    by_parameter: dict[str, dict[str, list[Tensor]]] = {name: {} for name in dtypes}
    for part, piece in zip(parts, pieces, strict=True):
        by_parameter[part.parameter].setdefault(part.plane, []).append(piece)
    joined = {}
    for name, planes in by_parameter.items():
        tensors = {plane: rows[0] if len(rows) == 1 else torch.cat(rows) for plane, rows in planes.items()}
        if "" in tensors:
            joined[name] = tensors[""].to(dtypes[name])
        else:
            real_dtype = dtypes[name].to_real()
            joined[name] = torch.complex(tensors["real"].to(real_dtype), tensors["imag"].to(real_dtype))
    return joined
