"""The UHN that another UHN generates in recursion (paper, Table 5 and its appendix)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from uhn.descriptors.normalization import Ranges, make_ranges
from uhn.descriptors.structure import GlobalDescriptor
from uhn.descriptors.vocabulary import (
    ActivationType,
    DatasetType,
    InitializationType,
    InputPooling,
    LayerType,
    ModelType,
    TaskType,
)
from uhn.layers.activation import LEAKY_RELU
from uhn.layers.attention import AttentionLayer
from uhn.layers.linear import LinearLayer
from uhn.models.base import TargetModel


@dataclass(frozen=True)
class GeneratedUHNConfig:
    """Sizes of a generated UHN; the frequencies are those of the root, whose encodings it shares.

    Args:
        structure_frequencies: F_s of the structure tokens.
        index_frequencies: F_v of the index features.
        hidden_dim: width d.
        blocks: residual blocks of two layers.
        structure_heads: heads of the structure branch's attention.
    """

    structure_frequencies: int = 32
    index_frequencies: int = 1024
    hidden_dim: int = 64
    blocks: int = 2
    structure_heads: int = 4


class GeneratedStructureEncoder(nn.Module):
    """The branch from the layers of a target model to one conditioning vector.

    Shapes:
        token features (1, L, 2 F_s) -> (1, d)
    """

    def __init__(self, config: GeneratedUHNConfig) -> None:
        super().__init__()
        tokens, hidden = 2 * config.structure_frequencies, config.hidden_dim
        self.attention = AttentionLayer(tokens, config.structure_heads, shortcut=True)
        self.feedforward = nn.ModuleList(_residual(tokens) for _ in range(2))
        self.summary = LinearLayer(tokens, hidden, pooling=InputPooling.SEQUENCE_MEAN)
        self.conditioning = LinearLayer(hidden, hidden, activation=LEAKY_RELU, initialization=InitializationType.ZERO)

    def forward(self, token_features: Tensor) -> Tensor:
        tokens = self.attention(token_features)
        for layer in self.feedforward:
            tokens = layer(tokens)
        return self.conditioning(self.summary(tokens))


class GeneratedTrunk(nn.Module):
    """The index branch after its first layer: residual layers, the conditioning vector, the readout.

    Shapes:
        h (rows, d), structure (1, d) -> (rows,)
    """

    def __init__(self, config: GeneratedUHNConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList(_residual(config.hidden_dim) for _ in range(2 * config.blocks))
        self.readout = LinearLayer(config.hidden_dim, 1, activation=LEAKY_RELU)

    def forward(self, h: Tensor, structure: Tensor) -> Tensor:
        for layer in self.layers:
            h = layer(h)
        return self.readout(h + structure).squeeze(-1)


class GeneratedUHN(TargetModel):
    """A UHN in pre-activation layers without affine norms, all of whose weights are generated.

    It reads encoded descriptors: the Fourier matrices and normalisers stay with the root.

    Shapes:
        token features (1, L, 2 F_s), index features (N, 2 F_v) -> scalars (N,)
    """

    def __init__(self, name: str, config: GeneratedUHNConfig) -> None:
        super().__init__(name, config)
        self.structure_encoder = GeneratedStructureEncoder(config)
        self.first = LinearLayer(2 * config.index_frequencies, config.hidden_dim)
        self.trunk = GeneratedTrunk(config)

    @property
    def global_descriptor(self) -> GlobalDescriptor:
        return GlobalDescriptor(
            model_type=ModelType.RECURSIVE,
            task_type=TaskType.RECURSIVE,
            dataset_type=DatasetType.RECURSIVE_IMAGE,
            num_layers=len(self.layers),
            num_structure_freqs=self.config.structure_frequencies,
            num_index_freqs=self.config.index_frequencies,
        )

    def ranges(self) -> Ranges:
        """Return the ranges of this one configuration (recursive row of the range rules)."""
        config = self.config
        tokens, features, hidden = 2 * config.structure_frequencies, 2 * config.index_frequencies, config.hidden_dim
        return make_ranges(
            vars(self.global_descriptor),
            layer_types=(LayerType.LINEAR, LayerType.ATTENTION),
            param_type=7,
            outputs=(1, max(tokens, hidden)),
            inputs=(min(tokens, hidden, features), max(tokens, hidden, features)),
            layer={
                "norm_type": (0, 1),
                "shortcut_type": (0, 1),
                "activation_type": (0, max(ActivationType)),
                "activation_param": (0, LEAKY_RELU.param),
                "input_pooling_reshape_type": (0, InputPooling.SEQUENCE_MEAN),
                "num_heads": (0, config.structure_heads),
                "initialization_type": (0, max(InitializationType)),
            },
        )

    def forward(self, token_features: Tensor, index_features: Tensor) -> Tensor:
        return self.trunk(self.first(index_features), self.structure_encoder(token_features))


def _residual(width: int) -> LinearLayer:
    return LinearLayer(width, width, activation=LEAKY_RELU, norm=True, shortcut=True)
