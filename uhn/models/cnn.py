"""Image targets: CNNs and the MLP, which is their family without convolution stages (paper, Tables 1 to 3)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

from torch import Tensor, nn

from uhn.descriptors.index import IndexField
from uhn.descriptors.normalization import Bounds, Ranges, make_ranges
from uhn.descriptors.structure import GlobalDescriptor
from uhn.descriptors.vocabulary import (
    ActivationType,
    DatasetType,
    InputPooling,
    LayerType,
    ModelType,
    StagePooling,
    TaskType,
)
from uhn.layers.activation import IDENTITY, LEAKY_RELU
from uhn.layers.conv import ConvLayer
from uhn.layers.linear import LinearLayer
from uhn.models.base import TargetModel, narrowed


@dataclass(frozen=True)
class MLPConfig:
    """An MLP on flattened images.

    Args:
        dataset: the data set's id.
        sizes: input width, hidden widths, classes.
    """

    dataset: DatasetType
    sizes: tuple[int, ...] = (784, 128, 128, 10)

    def reduced(self, width_divisor: int, depth_divisor: int) -> MLPConfig:
        """Return a narrower configuration; the depth stays."""
        return replace(self, sizes=narrowed(self.sizes, width_divisor))


@dataclass(frozen=True)
class CNNConfig:
    """A residual CNN; the resolution halves at the start of every stage after the second.

    Args:
        dataset: the data set's id.
        in_channels: channels of an image.
        stage_layers: convolutions of each stage.
        stage_widths: channels of each stage.
        classes: outputs.
        kernel_size: side of the kernels.
        group_num: groups of the norms.
    """

    dataset: DatasetType
    in_channels: int = 3
    stage_layers: tuple[int, ...] = (1, 6, 6, 6)
    stage_widths: tuple[int, ...] = (16, 16, 32, 64)
    classes: int = 10
    kernel_size: int = 3
    group_num: int = 4

    @property
    def num_layers(self) -> int:
        """Convolutions and the output layer."""
        return sum(self.stage_layers) + 1

    def reduced(self, width_divisor: int, depth_divisor: int) -> CNNConfig:
        """Return a narrower and shallower configuration; widths stay multiples of the norms' groups."""
        groups = self.group_num
        return replace(
            self,
            stage_layers=tuple(max(layers // depth_divisor, 1) for layers in self.stage_layers),
            stage_widths=tuple(max(width // (width_divisor * groups), 1) * groups for width in self.stage_widths),
        )

    @property
    def architecture(self) -> tuple[tuple[int, ...], ...]:
        """What members of a family differ in: depths and widths of the stages after the first, which is one layer."""
        return self.stage_layers[1:], self.stage_widths[1:]

    @property
    def summary(self) -> str:
        """A label such as ``6/7/10 convs, widths 16/16/32/64``."""
        return f"{_slashed(self.stage_layers[1:])} convs, widths {_slashed(self.stage_widths)}"


def _slashed(numbers: tuple[int, ...]) -> str:
    return "/".join(map(str, numbers))


def cnn_ranges(shared: CNNConfig, num_layers: Bounds, widths: Bounds) -> Ranges:
    """Return the ranges of a CNN family (CNN row of the range rules).

    Args:
        shared: any member; its data set, classes, channels, kernel and groups hold for all.
        num_layers: smallest and largest number of layers.
        widths: smallest and largest stage width.
    """
    narrowest, widest = widths
    return _image_ranges(
        shared.dataset,
        num_layers=num_layers,
        stages=len(shared.stage_layers),
        outputs=(min(narrowest, shared.classes), max(widest, shared.classes)),
        inputs=(min(narrowest, shared.in_channels), max(widest, shared.in_channels)),
        kernel_size=shared.kernel_size,
        group_num=shared.group_num,
    )


def _image_ranges(
    dataset: DatasetType,
    *,
    num_layers: Bounds,
    stages: int,
    outputs: Bounds,
    inputs: Bounds,
    kernel_size: int = 0,
    group_num: int = 0,
) -> Ranges:
    """Apply the rules that MLP and CNN share; without stages there is no kernel and no group norm."""
    return make_ranges(
        {
            "model_type": ModelType.CNN,
            "task_type": TaskType.IMAGE_CLASSIFICATION,
            "dataset_type": dataset,
            "num_layers": num_layers,
            "cnn_stage_num": stages,
        },
        layer_types=(LayerType.LINEAR, LayerType.CONV2D if stages else LayerType.LINEAR),
        param_type=1,
        outputs=outputs,
        inputs=inputs,
        layer={
            "norm_type": (0, 1),
            "shortcut_type": (0, 1),
            "activation_type": (0, max(ActivationType)),
            "activation_param": (0, LEAKY_RELU.param),
            "input_pooling_reshape_type": (0, max(InputPooling)),
            "group_num": (0, group_num),
            "kernel_size": (0, kernel_size),
            "stage_wise_pooling_type": (0, max(StagePooling)),
        },
        index={
            IndexField.KERNEL_H_IDX: (-1, kernel_size - 1),
            IndexField.KERNEL_W_IDX: (-1, kernel_size - 1),
        },
    )


class MLP(TargetModel):
    """Linear layers on flattened images; all but the first have LeakyReLU and LayerNorm, the middle ones a shortcut.

    The output layer keeps activation and norm, and the model counts as a CNN without stages: both as in the
    authors' release.

    Shapes:
        images (batch, ...) with sizes[0] values each -> logits (batch, classes)
    """

    def __init__(self, name: str, config: MLPConfig) -> None:
        super().__init__(name, config)
        last = len(config.sizes) - 2
        self.blocks = nn.ModuleList(
            LinearLayer(
                in_features,
                out_features,
                activation=IDENTITY if position == 0 else LEAKY_RELU,
                norm=position > 0,
                shortcut=0 < position < last and in_features == out_features,
                pooling=InputPooling.FLATTEN if position == 0 else InputPooling.NONE,
            )
            for position, (in_features, out_features) in enumerate(pairwise(config.sizes))
        )

    @property
    def global_descriptor(self) -> GlobalDescriptor:
        return GlobalDescriptor(
            model_type=ModelType.CNN,
            task_type=TaskType.IMAGE_CLASSIFICATION,
            dataset_type=self.config.dataset,
            num_layers=len(self.blocks),
        )

    def ranges(self) -> Ranges:
        """Return the ranges of this one configuration (MLP row of the range rules)."""
        inputs, outputs = self.config.sizes[:-1], self.config.sizes[1:]
        return _image_ranges(
            self.config.dataset,
            num_layers=(len(self.blocks), len(self.blocks)),
            stages=0,
            outputs=(min(outputs), max(outputs)),
            inputs=(min(inputs), max(inputs)),
        )

    def forward(self, images: Tensor) -> Tensor:
        x = images
        for block in self.blocks:
            x = block(x)
        return x


class CNN(TargetModel):
    """Convolutions in stages and a linear layer on the global average.

    All convolutions but the first have LeakyReLU and GroupNorm before them; those that keep the shape have a
    shortcut. The output layer has neither activation nor norm.

    Shapes:
        images (batch, channels, h, w) -> logits (batch, classes)
    """

    def __init__(self, name: str, config: CNNConfig) -> None:
        super().__init__(name, config)
        self.convs = nn.ModuleList()
        in_channels = config.in_channels
        for stage, (depth, width) in enumerate(zip(config.stage_layers, config.stage_widths, strict=True)):
            for position in range(depth):
                first = len(self.convs) == 0
                strided = stage >= 2 and position == 0
                conv = ConvLayer(
                    in_channels,
                    width,
                    config.kernel_size,
                    activation=IDENTITY if first else LEAKY_RELU,
                    group_num=0 if first else config.group_num,
                    shortcut=not first and not strided and in_channels == width,
                    pooling=StagePooling.STRIDED if strided else StagePooling.NONE,
                )
                self.convs.append(conv)
                in_channels = width
        self.readout = LinearLayer(in_channels, config.classes, pooling=InputPooling.GLOBAL_AVERAGE)

    @property
    def global_descriptor(self) -> GlobalDescriptor:
        return GlobalDescriptor(
            model_type=ModelType.CNN,
            task_type=TaskType.IMAGE_CLASSIFICATION,
            dataset_type=self.config.dataset,
            num_layers=self.config.num_layers,
            cnn_stage_num=len(self.config.stage_layers),
        )

    def ranges(self) -> Ranges:
        """Return the ranges of this one configuration."""
        num_layers, widths = self.config.num_layers, self.config.stage_widths
        return cnn_ranges(self.config, (num_layers, num_layers), (min(widths), max(widths)))

    def forward(self, images: Tensor) -> Tensor:
        x = images
        for conv in self.convs:
            x = conv(x)
        return self.readout(x)
