"""Recursion: a UHN that generates a UHN that generates ... the leaf model (paper, Table 5 and its appendix)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice

import torch
from torch import Tensor
from torch.func import functional_call

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.descriptors.normalization import Ranges, union
from uhn.errors import UserError
from uhn.hypernetworks.evaluation.fused_trunk import ResidualStack
from uhn.hypernetworks.evaluation.network import Network
from uhn.hypernetworks.generator import Generator
from uhn.hypernetworks.uhn import UHN
from uhn.layers.activation import LEAKY_RELU
from uhn.layers.functional import NORM_EPS
from uhn.models.base import TargetModel
from uhn.models.generated_uhn import GeneratedUHN, GeneratedUHNConfig

Level = tuple[TargetModel, dict[str, Tensor]]


def chain_ranges(inner: GeneratedUHNConfig, leaf: TargetModel) -> Ranges:
    """Return the ranges that cover all levels of a chain; they do not depend on its depth."""
    return union([_architecture(inner).ranges(), leaf.ranges()])


class RecursiveChain(Generator):
    """H0 generates H1, ..., HK generates the leaf; only H0, the root, has parameters.

    The generated UHNs H1 to HK have one architecture and read the root's encodings: generating level by level is the
    root's evaluation with another network behind the encodings. Level k is the model that Hk generates; level K is the
    leaf.

    Deviation: the release generates under fp16 autocast; here every level is generated in float32, since rounding
    compounds from level to level. A chain without initialisation that overflows in half precision need not do so here.

    Args:
        config: sizes of the root, with task-structure encoder.
        inner: sizes of the generated UHNs.
        depth: number K of generated UHNs; 0 leaves the root alone.
        ranges: bounds of the descriptors of all levels, see :func:`chain_ranges`.
        generation: how to evaluate, on every level.

    Shapes:
        leaf with N scalars -> its named tensors, N numbers in all

    Raises:
        UserError: sizes that do not fit together.
    """

    def __init__(
        self,
        config: UHNConfig,
        inner: GeneratedUHNConfig,
        depth: int,
        ranges: Ranges,
        generation: GenerationConfig | None = None,
    ) -> None:
        super().__init__()
        _check(config, inner, depth)
        self.depth = depth
        self.root = UHN(config, ranges, generation)
        self._inner = (_architecture(inner),)  # in a tuple: not a submodule

    @property
    def inner(self) -> GeneratedUHN:
        """The architecture of the generated UHNs, without weights."""
        return self._inner[0]

    def forward(self, leaf: TargetModel, rows: Mapping[str, Tensor] | None = None) -> dict[str, Tensor]:
        """Generate all weights of the leaf."""
        _, weights = self.generate_level(leaf, self.depth)
        return weights

    def generate_level(self, leaf: TargetModel, level: int) -> Level:
        """Generate the model of one level, 0 to K, and of those above it only.

        Returns:
            The model and its weights.
        """
        if not 0 <= level <= self.depth:
            raise ValueError(f"level {level} of a chain of depth {self.depth}: expected 0 to {self.depth}")
        return next(islice(self.levels(leaf), level, None))

    def levels(self, leaf: TargetModel) -> Iterator[Level]:
        """Generate level after level, each when it is asked for: H1, ..., HK, the leaf, with their weights."""
        weights = None
        for _ in range(self.depth):
            weights = self._generate(self.inner, weights)
            yield self.inner, weights
        yield leaf, self._generate(leaf, weights)

    def _generate(self, target: TargetModel, above: dict[str, Tensor] | None) -> dict[str, Tensor]:
        """Generate one level in the root's own type, whatever autocast is active: rounding compounds level by level.

        Args:
            target: the model of the level.
            above: weights of the generated UHN that generates it; None for the root.
        """
        network = self.root.network() if above is None else _as_network(self.inner, above)
        with torch.autocast(self.root.engine.device.type, enabled=False):
            return target.unflatten(self.root.engine.scalars(target, network))

    def extra_repr(self) -> str:
        return f"depth={self.depth}"


def _as_network(model: GeneratedUHN, weights: dict[str, Tensor]) -> Network:
    """Put a generated UHN behind the root's encodings; gradients flow to its weights."""

    def linear(name: str) -> tuple[Tensor, Tensor]:
        return weights[f"{name}.weight"], weights[f"{name}.bias"]

    def run(name: str, *inputs: Tensor) -> Tensor:
        """Run a submodule of the model with its share of the weights."""
        prefix = f"{name}."
        share = {full.removeprefix(prefix): w for full, w in weights.items() if full.startswith(prefix)}
        return functional_call(model.get_submodule(name), share, inputs, strict=True)

    num_layers = len(model.trunk.layers)
    return Network(
        first_layer=linear("first"),
        structure_encoder=lambda features: run("structure_encoder", features.unsqueeze(0)),
        after_first=partial(run, "trunk"),
        residual_stack=ResidualStack(
            layers=tuple((None, None, *linear(f"trunk.layers.{i}")) for i in range(num_layers)),
            readout=linear("trunk.readout"),
            eps=(NORM_EPS,) * num_layers,
            span=1,
            slope=LEAKY_RELU.param,
        ),
    )


def _architecture(config: GeneratedUHNConfig) -> GeneratedUHN:
    """Build a generated UHN without memory for its weights and without drawing them."""
    with torch.device("meta"):
        return GeneratedUHN("generated_uhn", config)


def _check(config: UHNConfig, inner: GeneratedUHNConfig, depth: int) -> None:
    """Refuse sizes with which the generated UHNs cannot read the root's encodings."""
    if depth < 0:
        raise UserError(f"recursion: expected a depth of 0 or more, got {depth}")
    if config.encoding != "gaussian_fourier":
        raise UserError(f"recursion: expected encoding gaussian_fourier, got {config.encoding}")
    if not config.structure_encoder:
        raise UserError("recursion: expected a root with task-structure encoder; set structure_encoder: true")
    for name in ("index_frequencies", "structure_frequencies"):
        if getattr(config, name) != getattr(inner, name):
            raise UserError(
                f"recursion: expected generated UHNs with the root's {name}, whose encodings they share, "
                f"got {getattr(inner, name)} under a root with {getattr(config, name)}"
            )
