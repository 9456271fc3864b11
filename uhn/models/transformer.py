"""Transformer targets for text classification (paper, Tables 1 and 3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor, nn

from uhn.descriptors.index import IndexField
from uhn.descriptors.normalization import Bounds, Ranges, make_ranges
from uhn.descriptors.structure import GlobalDescriptor
from uhn.descriptors.vocabulary import ActivationType, DatasetType, InputPooling, LayerType, ModelType, TaskType
from uhn.layers.activation import IDENTITY, LEAKY_RELU
from uhn.layers.attention import AttentionLayer
from uhn.layers.embedding import EmbeddingLayer
from uhn.layers.linear import LinearLayer
from uhn.models.base import TargetModel

PAD_ID = 1


@dataclass(frozen=True)
class TransformerConfig:
    """A Transformer encoder classifying by its first token.

    Args:
        dataset: the data set's id.
        classes: outputs.
        max_length: longest sequence.
        feedforward_layers: linear layers after the attention of each block.
        width: width d of a token.
        heads: attention heads.
        dropout: rate of the embedding and all block layers.
        vocabulary_size: number of token ids.
    """

    dataset: DatasetType
    classes: int
    max_length: int
    feedforward_layers: tuple[int, ...]
    width: int = 64
    heads: int = 2
    dropout: float = 0.2
    vocabulary_size: int = 5000

    @property
    def num_layers(self) -> int:
        """Embedding, attention and linear layers of the blocks, output layer."""
        return 2 + sum(1 + layers for layers in self.feedforward_layers)

    def reduced(self, width_divisor: int, depth_divisor: int) -> TransformerConfig:
        """Return a configuration of narrower heads and fewer blocks."""
        blocks = max(len(self.feedforward_layers) // depth_divisor, 1)
        width = max(self.width // (self.heads * width_divisor), 1) * self.heads
        return replace(self, feedforward_layers=self.feedforward_layers[:blocks], width=width)

    def fitted(self, vocabulary_size: int) -> TransformerConfig:
        """Return the configuration for another vocabulary."""
        return replace(self, vocabulary_size=vocabulary_size)

    @property
    def architecture(self) -> tuple[tuple[int, ...], ...]:
        """What members of a family differ in: linear layers of the blocks, heads, width."""
        return self.feedforward_layers, (self.heads,), (self.width,)

    @property
    def summary(self) -> str:
        """A label such as ``blocks of 1/3 linear layers, width 64, heads 4``."""
        layers = "/".join(map(str, self.feedforward_layers))
        return f"blocks of {layers} linear layers, width {self.width}, heads {self.heads}"


def transformer_ranges(
    shared: TransformerConfig, num_layers: Bounds, num_encoders: Bounds, widths: Bounds, max_heads: int
) -> Ranges:
    """Return the ranges of a Transformer family (Transformer row of the range rules).

    Args:
        shared: any member; its data set, classes, vocabulary, length and dropout hold for all.
        num_layers: smallest and largest number of layers.
        num_encoders: smallest and largest number of blocks.
        widths: smallest and largest width.
        max_heads: largest number of heads.
    """
    narrowest, widest = widths
    return make_ranges(
        {
            "model_type": ModelType.TRANSFORMER,
            "task_type": TaskType.TEXT_CLASSIFICATION,
            "dataset_type": shared.dataset,
            "num_layers": num_layers,
            "num_encoders": num_encoders,
        },
        layer_types=(LayerType.LINEAR, LayerType.ATTENTION),
        param_type=7,
        outputs=(min(shared.classes, narrowest), max(shared.classes, widest)),
        inputs=(0, widest),
        layer={
            "norm_type": (0, 1),
            "shortcut_type": (0, 1),
            "activation_type": (0, max(ActivationType)),
            "activation_param": (0, LEAKY_RELU.param),
            "dropout_rate": (0, shared.dropout),
            "input_pooling_reshape_type": (0, max(InputPooling)),
            "num_heads": (0, max_heads),
            "embedding_num": (0, shared.vocabulary_size),
            "max_sequence_length": (0, shared.max_length),
        },
        index={
            IndexField.EMBEDDING_IDX: (-1, shared.vocabulary_size - 1),
            IndexField.SEQUENCE_IDX: (-1, shared.max_length - 1),
        },
    )


class TransformerBlock(nn.Module):
    """Self-attention and residual linear layers of the same width.

    Args:
        config: the model's configuration.
        feedforward_layers: linear layers of this block.
        first: whether the block reads the embedding, which its attention neither activates nor normalises.

    Shapes:
        tokens (batch, n, d), padding (batch, n) -> (batch, n, d)
    """

    def __init__(self, config: TransformerConfig, feedforward_layers: int, first: bool) -> None:
        super().__init__()
        self.attention = AttentionLayer(
            config.width,
            config.heads,
            activation=IDENTITY if first else LEAKY_RELU,
            norm=not first,
            shortcut=True,
            dropout=config.dropout,
        )
        self.feedforward = nn.ModuleList(
            LinearLayer(
                config.width, config.width, activation=LEAKY_RELU, norm=True, shortcut=True, dropout=config.dropout
            )
            for _ in range(feedforward_layers)
        )

    def forward(self, tokens: Tensor, padding: Tensor) -> Tensor:
        x = self.attention(tokens, padding)
        for layer in self.feedforward:
            x = layer(x)
        return x


class Transformer(TargetModel):
    """Embedding, blocks, and a linear layer on the first token; padded positions get no attention.

    Shapes:
        token ids (batch, n) with n <= max_length -> logits (batch, classes)
    """

    def __init__(self, name: str, config: TransformerConfig) -> None:
        super().__init__(name, config)
        self.embedding = EmbeddingLayer(config.vocabulary_size, config.max_length, config.width, dropout=config.dropout)
        self.blocks = nn.ModuleList(
            TransformerBlock(config, layers, first=position == 0)
            for position, layers in enumerate(config.feedforward_layers)
        )
        self.readout = LinearLayer(config.width, config.classes, pooling=InputPooling.FIRST_TOKEN)

    @property
    def global_descriptor(self) -> GlobalDescriptor:
        return GlobalDescriptor(
            model_type=ModelType.TRANSFORMER,
            task_type=TaskType.TEXT_CLASSIFICATION,
            dataset_type=self.config.dataset,
            num_layers=self.config.num_layers,
            num_encoders=len(self.blocks),
        )

    def ranges(self) -> Ranges:
        """Return the ranges of this one configuration."""
        config, blocks = self.config, len(self.blocks)
        layers, widths = (config.num_layers, config.num_layers), (config.width, config.width)
        return transformer_ranges(config, layers, (blocks, blocks), widths, config.heads)

    def rows_read(self, ids: Tensor) -> dict[str, Tensor]:
        """Return the token ids of a batch as the rows of the token table. Shapes: ids (batch, n)."""
        return {"embedding.token": ids.unique()}

    def forward(self, ids: Tensor) -> Tensor:
        padding = ids == PAD_ID
        x = self.embedding(ids)
        for block in self.blocks:
            x = block(x, padding)
        return self.readout(x)
