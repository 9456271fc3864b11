"""Recursion: a UHN that generates a UHN that generates ... the leaf model (paper, Table 5 and its appendix)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.descriptors.normalization import Ranges, union
from uhn.errors import UserError
from uhn.hypernetworks.evaluation import FeatureOperator, apply_operators
from uhn.hypernetworks.evaluation.fused_trunk import ResidualStack, fused_stack
from uhn.hypernetworks.generator import Generator
from uhn.hypernetworks.uhn import FUSED_ROWS, UHN
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

    The generated UHNs H1 to HK have one architecture and read the root's encodings, so a chain prepares two
    targets whatever its depth. Level k is the model that Hk generates: level K is the leaf.

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
        with torch.autocast(next(self.parameters()).device.type, enabled=False):
            network = None if above is None else GeneratedNetwork(self.inner, above, self.root.matmul_dtype)
            return target.unflatten(self.root.generate_scalars(target, network))

    def extra_repr(self) -> str:
        return f"depth={self.depth}"


class GeneratedNetwork:
    """A generated UHN as the network behind the root's encodings.

    Args:
        model: its architecture.
        weights: its weights by name; gradients go to them.
        matmul_dtype: see :func:`fused_trunk`.
    """

    def __init__(self, model: GeneratedUHN, weights: dict[str, Tensor], matmul_dtype: torch.dtype | None) -> None:
        self.model = model
        self.weights = weights
        self.matmul_dtype = matmul_dtype

    def structure_vector(self, features: Tensor) -> Tensor:
        """Encode structure features (L, 2 F_s) to the conditioning vector (1, d)."""
        return self._run("structure_encoder", features.unsqueeze(0))

    def from_operators(self, operators: Sequence[FeatureOperator], structure: Tensor) -> Tensor:
        """Generate the scalars whose index features the operators stand for, in their order. Shape (rows,)."""
        return self._after_first(apply_operators(operators, *self._linear("first")), structure)

    def from_features(self, features: Tensor, structure: Tensor) -> Tensor:
        """Generate scalars from index features (rows, 2 F). Shape (rows,)."""
        return self._run("trunk", F.linear(features, *self._linear("first")), structure)

    def _linear(self, layer: str) -> tuple[Tensor, Tensor]:
        return self.weights[f"{layer}.weight"], self.weights[f"{layer}.bias"]

    def _after_first(self, h: Tensor, structure: Tensor) -> Tensor:
        if len(h) < FUSED_ROWS or h.device.type != "cpu":
            return self._run("trunk", h, structure)
        weight = self.weights["trunk.readout.weight"]
        h, structure = h.to(weight.dtype), structure.to(weight.dtype)  # autocast may have rounded them
        layers = tuple((None, None, *self._linear(f"trunk.layers.{i}")) for i in range(len(self.model.trunk.layers)))
        stack = ResidualStack(
            layers, self._linear("trunk.readout"), eps=(NORM_EPS,) * len(layers), span=1, slope=LEAKY_RELU.param
        )
        return fused_stack(h, stack, structure, matmul_dtype=self.matmul_dtype)

    def _run(self, part: str, *inputs: Tensor) -> Tensor:
        """Run a submodule of the model with its share of the weights."""
        weights = {name.removeprefix(f"{part}."): w for name, w in self.weights.items() if name.startswith(f"{part}.")}
        return functional_call(self.model.get_submodule(part), weights, inputs, strict=True)


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
