"""Encodings of normalised descriptor rows (paper, Section 3.2 and Table 23)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from uhn.configuration.generators import UHNConfig
from uhn.descriptors.index import NUM_INDEX_FIELDS, IndexField
from uhn.descriptors.normalization import Ranges
from uhn.descriptors.structure import NUM_STRUCTURE_FIELDS
from uhn.hypernetworks.hash_encoding import HashEncoding
from uhn.hypernetworks.long_axes import column_lengths, scales_of_long_columns


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


class RandomFrequencies(nn.Module):
    r"""The frozen matrix :math:`W_{cf} \sim \sigma_c\, N(0, 1)` of a Fourier encoding.

    Args:
        fields: columns m of a row.
        frequencies: number F of frequencies.
        scale: standard deviation sigma of the frequencies.
        field_scales: sigma of the fields that differ from it.
    """

    def __init__(
        self, fields: int, frequencies: int, scale: float, field_scales: Mapping[int, float] | None = None
    ) -> None:
        super().__init__()
        self.width = 2 * frequencies
        scales = torch.full((fields, 1), scale, dtype=torch.float32)
        for field, field_scale in (field_scales or {}).items():
            scales[field] = field_scale
        self.register_buffer("frequencies", torch.randn(fields, frequencies, dtype=torch.float32) * scales)


class GaussianFourier(RandomFrequencies):
    r"""Fixed random Fourier features of normalised rows.

    .. math:: \phi(z) = [\cos zW,\ \sin zW],\qquad W_{cf} \sim \sigma\, N(0, 1)

    with sigma 100 for index descriptors and structure tokens (paper, Section 3.2).

    Shapes:
        (rows, m) -> (rows, 2 F)
    """

    def forward(self, z: Tensor) -> Tensor:
        phases = z @ self.frequencies.to(z.dtype)
        return torch.cat([phases.cos(), phases.sin()], dim=-1)


class HalfPrecisionFourier(RandomFrequencies):
    """Gaussian Fourier features in the arithmetic of fp16 autocast, as in the release.

    Inputs, frequencies, phases and features are rounded to 11 bits. The sums of a phase and the sines are not, as in a
    GPU's half-precision product and sine. Phases of some hundred radians have an error of about 0.1. Inputs less than
    1e-3 apart, such as those of neighbouring words of a vocabulary of 5,000, may coincide.

    Shapes:
        (rows, m) -> (rows, 2 F), float16
    """

    def forward(self, z: Tensor) -> Tensor:
        phases = z.float().half().double() @ self.frequencies.half().double()
        phases = phases.half().float()
        return torch.cat([phases.cos(), phases.sin()], dim=-1).half()


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


def make_index_encoding(config: UHNConfig, ranges: Ranges) -> nn.Module:
    """Build the encoding of index descriptors, normalised over their ranges."""
    fields, frequencies, scale = NUM_INDEX_FIELDS, config.index_frequencies, config.scale
    match config.encoding:
        case "gaussian_fourier":
            field_scales = {} if config.layer_scale is None else {IndexField.LAYER_IDX: config.layer_scale}
            if config.encoding_scale == "auto":
                field_scales = scales_of_long_columns(ranges, scale)
            return _fourier(config)(fields, frequencies, scale, field_scales)
        case "positional":
            return Positional(fields, frequencies, scale)
        case "raw":
            return Raw(fields)
        case "hash":
            extents = [round(length) for length in column_lengths(ranges)]
            positions = range(IndexField.OUT_IDX, NUM_INDEX_FIELDS)
            return HashEncoding(extents, positions, config.hash_levels, config.hash_table_size, config.hash_features)
    raise AssertionError(config.encoding)


def make_structure_encoding(config: UHNConfig) -> nn.Module:
    """Build the encoding of structure tokens, always a Fourier one."""
    return _fourier(config)(NUM_STRUCTURE_FIELDS, config.structure_frequencies, config.scale)


def _fourier(config: UHNConfig) -> type[RandomFrequencies]:
    return HalfPrecisionFourier if config.phase_precision == "float16" else GaussianFourier


def exact_features(normalizer: nn.Module, encoding: nn.Module, rows: Tensor, dtype: torch.dtype) -> Tensor:
    """Normalise and encode raw descriptor rows, with phases in float64 whatever autocast is active around the call.

    Deviation: the release computes phases under fp16 autocast, which makes neighbouring vocabulary rows
    identical (612 of 5,000). Here they are exact and only the finished features are rounded, unless the encoding
    itself is :class:`HalfPrecisionFourier`.

    Shapes:
        rows (n, m) -> (n, encoding.width), in ``dtype``
    """
    with torch.autocast(rows.device.type, enabled=False):
        return encoding(normalizer(rows)).to(dtype)
