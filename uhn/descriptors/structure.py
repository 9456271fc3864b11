"""Structure and task descriptors: one row for the model, one per layer (paper, Section 3.1, Tables 7 and 8)."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np


@dataclass(frozen=True)
class GlobalDescriptor:
    """The model's row, 8 columns in this order.

    Deviation: the paper lists six global and two task fields; as in the release they form one row, with
    the task fields after ``model_type``.
    """

    model_type: int
    task_type: int
    dataset_type: int
    num_layers: int
    cnn_stage_num: int = 0
    num_encoders: int = 0
    num_structure_freqs: int = 0
    num_index_freqs: int = 0

    def row(self) -> list[float]:
        """Return the 8 columns as numbers."""
        return [float(value) for value in astuple(self)]


@dataclass(frozen=True)
class LayerDescriptor:
    """A layer's row, 21 columns in this order (paper, Table 8); 0 where a field has no meaning."""

    layer_idx: int
    layer_type: int
    bias_type: int = 0
    norm_type: int = 0
    shortcut_type: int = 0
    output_size: int = 0
    input_size: int = 0
    activation_type: int = 0
    activation_param: float = 0.0
    dropout_rate: float = 0.0
    input_pooling_reshape_type: int = 0
    group_num: int = 0
    kernel_size: int = 0
    stage_wise_pooling_type: int = 0
    num_heads: int = 0
    head_concat_type: int = 0
    embedding_num: int = 0
    max_sequence_length: int = 0
    grid_size: int = 0
    spline_order: int = 0
    initialization_type: int = 0

    def row(self) -> list[float]:
        """Return the 21 columns as numbers."""
        return [float(value) for value in astuple(self)]


NUM_GLOBAL_FIELDS = len(GlobalDescriptor.__dataclass_fields__)
NUM_LAYER_FIELDS = len(LayerDescriptor.__dataclass_fields__)
NUM_STRUCTURE_FIELDS = NUM_GLOBAL_FIELDS + NUM_LAYER_FIELDS


def structure_tokens(model: GlobalDescriptor, layers: list[LayerDescriptor]) -> np.ndarray:
    """Return one token per layer, the model's row before the layer's. Shape (L, 29), float64."""
    return np.array([model.row() + layer.row() for layer in layers], dtype=np.float64)
