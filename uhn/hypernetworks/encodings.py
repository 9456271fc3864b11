"""Encodings of normalised descriptor rows (paper, Section 3.2 and Table 23)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Raw(nn.Module):
    """The normalised row itself.

    Shapes:
        (rows, m) -> (rows, m)
    """

    def __init__(self, fields: int) -> None:
        super().__init__()
        self.width = fields

    def forward(self, z: Tensor) -> Tensor:
        return z


class GaussianFourier(nn.Module):
    """Fixed random Fourier features ``[cos zW, sin zW]`` with W ~ scale * N(0, 1).

    Args:
        fields: columns m of a row.
        frequencies: number F of frequencies.
        scale: standard deviation sigma of the frequencies.

    Shapes:
        (rows, m) -> (rows, 2 F)
    """

    def __init__(self, fields: int, frequencies: int, scale: float) -> None:
        super().__init__()
        self.width = 2 * frequencies
        self.register_buffer("frequencies", torch.randn(fields, frequencies, dtype=torch.float32) * scale)

    def forward(self, z: Tensor) -> Tensor:
        phases = z @ self.frequencies.to(z.dtype)
        return torch.cat([phases.cos(), phases.sin()], dim=-1)


class Positional(nn.Module):
    """Sines, then cosines, of every field at frequencies ``scale ** (j / n)``, field slowest (paper, Table 23).

    Args:
        fields: columns m of a row.
        frequencies: number n of frequencies per field.
        scale: the ratio of the frequencies' geometric sequence over its n steps.

    Shapes:
        (rows, m) -> (rows, 2 n m)
    """

    def __init__(self, fields: int, frequencies: int, scale: float) -> None:
        super().__init__()
        self.width = 2 * frequencies * fields
        exponents = torch.arange(frequencies, dtype=torch.float32) / frequencies
        self.register_buffer("frequencies", torch.tensor(scale, dtype=torch.float32) ** exponents)

    def forward(self, z: Tensor) -> Tensor:
        phases = (z.unsqueeze(-1) * self.frequencies.to(z.dtype)).flatten(-2)
        return torch.cat([phases.sin(), phases.cos()], dim=-1)


ENCODINGS = ("gaussian_fourier", "positional", "raw")


def make_encoding(name: str, fields: int, frequencies: int, scale: float) -> nn.Module:
    """Build an encoding by its configuration name."""
    match name:
        case "gaussian_fourier":
            return GaussianFourier(fields, frequencies, scale)
        case "positional":
            return Positional(fields, frequencies, scale)
        case "raw":
            return Raw(fields)
    raise ValueError(f"encoding {name!r}: expected one of {', '.join(ENCODINGS)}")


def exact_features(normalizer: nn.Module, encoding: nn.Module, rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Encode raw descriptor rows with phases in float64, whatever autocast is active around the call.

    Deviation: the release computes phases under fp16 autocast, which makes neighbouring vocabulary rows
    identical (612 of 5,000). Here they are exact and only the finished features are rounded.

    Shapes:
        rows (n, m) -> (n, encoding.width), in ``dtype``
    """
    with torch.no_grad(), torch.autocast(rows.device.type, enabled=False):
        return encoding(normalizer(rows)).to(dtype)
