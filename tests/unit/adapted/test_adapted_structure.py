"""Structure rows of modules of torch (paper, Tables 7 and 8)."""

import pytest
from torch import nn

import uhn
from uhn.descriptors.structure import GlobalDescriptor, LayerDescriptor


@pytest.mark.parametrize(
    ("module", "fields"),
    [
        (nn.Linear(4, 3), {"layer_type": 0, "bias_type": 1, "output_size": 3, "input_size": 4}),
        (nn.Linear(4, 3, bias=False), {"layer_type": 0, "output_size": 3, "input_size": 4}),
        (
            nn.Conv2d(4, 6, 5, groups=2),
            {"layer_type": 1, "bias_type": 1, "output_size": 6, "input_size": 4, "kernel_size": 5},
        ),
        (
            nn.ConvTranspose1d(4, 6, 5, bias=False),
            {"layer_type": 10, "output_size": 6, "input_size": 4, "kernel_size": 5},
        ),
        (nn.Embedding(9, 4), {"layer_type": 4, "output_size": 4, "embedding_num": 9}),
        (
            nn.MultiheadAttention(6, 3, dropout=0.25),
            {"layer_type": 5, "bias_type": 1, "output_size": 6, "input_size": 6, "num_heads": 3, "dropout_rate": 0.25},
        ),
        (nn.GroupNorm(2, 4), {"layer_type": 14, "bias_type": 1, "norm_type": 1, "output_size": 4, "group_num": 2}),
        (nn.RMSNorm(4), {"layer_type": 14, "norm_type": 1, "output_size": 4}),
        (nn.GRU(3, 5, dropout=0.0), {"layer_type": 13, "bias_type": 1, "output_size": 5, "input_size": 5}),
    ],
)
def test_rows(module, fields):
    row = uhn.adapt(module).structure_tokens()[0]
    model = {"model_type": 7, "task_type": 5, "dataset_type": 0, "num_layers": 1}
    assert row.tolist() == GlobalDescriptor(**model).row() + LayerDescriptor(layer_idx=0, **fields).row()


def test_task_number():
    tokens = uhn.adapt(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)), task=3).structure_tokens()
    assert tokens[:, 2].tolist() == [3, 3]
    assert tokens[:, 3].tolist() == [2, 2]
