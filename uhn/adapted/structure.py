"""Structure rows of any module's layers (paper, Table 8).

The 21 fields do not say everything: strides, paddings, dilations, groups of a convolution, kernels that are not
square, directions of a recurrent layer, where norms, activations and shortcuts are and how layers are wired are lost.
It matters with a task-structure encoder only: index descriptors are complete.
"""

from __future__ import annotations

from uhn.adapted.layers import FoundLayer
from uhn.descriptors.index import IndexField
from uhn.descriptors.structure import LayerDescriptor
from uhn.layers.base import GeneratedLayer

# Fields that tell the largest extent of an axis; the first axis that a layer has counts.
EXTENTS = {
    "output_size": (IndexField.OUT_IDX,),
    "input_size": (IndexField.IN_IDX,),
    "kernel_size": (IndexField.KERNEL_H_IDX, IndexField.KERNEL_W_IDX),
    "embedding_num": (IndexField.EMBEDDING_IDX,),
    "max_sequence_length": (IndexField.SEQUENCE_IDX,),
}


def describe(layer: FoundLayer, layer_idx: int) -> LayerDescriptor:
    """Return what is known of a layer as its structure row; the layers of this package describe themselves."""
    if isinstance(layer.module, GeneratedLayer):
        return layer.module.describe(layer_idx)
    axes = [axis for found in layer.components for axis in found.component.axes]
    extents = {field: max((a.extent for a in axes if a.field is field), default=0) for field in IndexField}
    fields = {name: next(filter(None, map(extents.get, columns)), 0) for name, columns in EXTENTS.items()}
    for name, source in layer.kind.structure.items():
        value = getattr(layer.module, source, 0) if isinstance(source, str) else source(layer.module)
        if isinstance(value, int | float):  # PyG's widths may be pairs
            fields[name] = value
    has_bias = any("bias" in found.component.name and 0 not in found.component.shape for found in layer.components)
    return LayerDescriptor(
        layer_idx=layer_idx,
        layer_type=layer.kind.layer_type,
        bias_type=int(has_bias),
        **fields,
    )
