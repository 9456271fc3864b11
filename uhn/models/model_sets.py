"""Families of target models, sampled once from their seeds (paper, Table 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from uhn.descriptors.normalization import Ranges
from uhn.descriptors.vocabulary import DatasetType
from uhn.errors import UserError
from uhn.models.base import TargetModel
from uhn.models.cnn import CNN, CNNBounds, CNNConfig, cnn_ranges
from uhn.models.transformer import Transformer, TransformerBounds, TransformerConfig, transformer_ranges


class RawDraws:
    """Bounded draws ``low + u32 mod count`` from the raw outputs of MT19937 with classical integer seeding.

    The authors' release draws so from its tensor library's CPU generator; the stream is the same.

    Args:
        seed: seed of the generator.
    """

    def __init__(self, seed: int) -> None:
        self._generator = np.random.RandomState(seed)

    def draw(self, low: int, high: int, step: int = 1) -> int:
        """Return one of ``low, low + step, .., high``, consuming one output even for a single choice."""
        output = int.from_bytes(self._generator.bytes(4), "little")
        return low + step * (output % ((high - low) // step + 1))


@dataclass(frozen=True)
class Splits:
    """Member ids of a family's splits, in sampling order.

    Args:
        train: models that training draws from.
        test: held-out (unseen) models, the last ones.
    """

    train: range
    test: range


@dataclass(frozen=True)
class ModelFamily:
    """A family and how to sample it.

    Args:
        name: name of the family; members are called ``<name>/<id>``.
        seed: seed of the sampling.
        size: number of members.
        split_size: number of held-out models; as many seen ones are reported and as many validate.
        draw: draw one candidate.
        construct: name and configuration -> target model.
        ranges: descriptor ranges of the family as configured, not as sampled.
    """

    name: str
    seed: int
    size: int
    split_size: int
    draw: Callable[[RawDraws], Any]
    construct: Callable[[str, Any], TargetModel]
    ranges: Ranges

    @cached_property
    def configs(self) -> tuple[Any, ...]:
        """The members' configurations in sampling order; candidates drawn before are skipped."""
        draws = RawDraws(self.seed)
        configs: dict[Any, None] = {}
        while len(configs) < self.size:
            configs.setdefault(self.draw(draws))
        return tuple(configs)

    @property
    def splits(self) -> Splits:
        """The members of each split."""
        return Splits(train=range(self.size - self.split_size), test=range(self.size - self.split_size, self.size))

    def member_names(self, ids: Sequence[int]) -> list[str]:
        """Return the names of some members, as :func:`uhn.models.registry.build_model` knows them."""
        return [f"{self.name}/{member}" for member in ids]

    def config(self, member: int) -> Any:
        """Return the configuration of one member.

        Raises:
            UserError: no such member.
        """
        if not 0 <= member < self.size:
            raise UserError(f"model family {self.name}: expected a member id in 0..{self.size - 1}, got {member}")
        return self.configs[member]

    def build(self, member: int) -> TargetModel:
        """Build one member.

        Raises:
            UserError: no such member.
        """
        return self.construct(f"{self.name}/{member}", self.config(member))


def _draw_cnn(draws: RawDraws, layers: tuple[int, int], widths: tuple[tuple[int, int], ...]) -> CNNConfig:
    """Draw the depths of three stages, then their widths in steps of 4; the first stage is as wide as the second."""
    depths = [draws.draw(*layers) for _ in range(3)]
    drawn = [draws.draw(low, high, step=4) for low, high in widths]
    return CNNConfig(DatasetType.CIFAR10, stage_layers=(1, *depths), stage_widths=(drawn[0], *drawn))


def _draw_transformer(draws: RawDraws) -> TransformerConfig:
    """Draw blocks, the linear layers of each, heads, and the width among the multiples of the heads."""
    blocks = draws.draw(1, 4)
    feedforward = tuple(draws.draw(1, 3) for _ in range(blocks))
    heads = draws.draw(1, 8)
    width = heads * draws.draw(-(-32 // heads), 128 // heads)
    return TransformerConfig(DatasetType.AG_NEWS, 4, 128, feedforward, width=width, heads=heads)


def _cnn_family(
    name: str, seed: int, size: int, split_size: int, layers: tuple[int, int], widths: tuple[tuple[int, int], ...]
) -> ModelFamily:
    shared = CNNConfig(DatasetType.CIFAR10)
    num_layers = (2 + 3 * layers[0], 2 + 3 * layers[1])
    bounds = CNNBounds(shared, num_layers, (widths[0][0], widths[-1][1]))
    return ModelFamily(
        name, seed, size, split_size, lambda draws: _draw_cnn(draws, layers, widths), CNN, cnn_ranges(bounds)
    )


_FIXED_WIDTHS = ((16, 16), (32, 32), (64, 64))
_MIXED_WIDTHS = ((16, 32), (32, 64), (64, 128))
_TRANSFORMER_BOUNDS = TransformerBounds(
    shared=TransformerConfig(DatasetType.AG_NEWS, 4, 128, (1,)),
    num_layers=(4, 18),
    num_encoders=(1, 4),
    widths=(32, 128),
    max_heads=8,
)

FAMILIES = {
    family.name: family
    for family in (
        _cnn_family("cnn_mixed_depth", 75381, 100, 20, (6, 10), _FIXED_WIDTHS),
        _cnn_family("cnn_mixed_width", 362, 500, 50, (6, 6), _MIXED_WIDTHS),
        _cnn_family("cnn_mixed_depth_width", 32460, 1000, 50, (6, 8), _MIXED_WIDTHS),
        ModelFamily(
            "transformer_mixed",
            57055,
            1000,
            50,
            _draw_transformer,
            Transformer,
            transformer_ranges(_TRANSFORMER_BOUNDS),
        ),
    )
}
