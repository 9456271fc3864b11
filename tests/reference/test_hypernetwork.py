"""The UHN against reference vectors and the paper's printed parameter counts."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from uhn.descriptors.index import Axis, ComponentGrid, IndexField, materialise_index_table
from uhn.descriptors.normalization import Ranges
from uhn.hypernetworks.config import UHNConfig
from uhn.hypernetworks.counting import count_parameters
from uhn.hypernetworks.uhn import UHN
from uhn.models.registry import build_model
from uhn.paths import config_dir

VECTORS = json.loads((Path(__file__).parent / "test_vectors.json").read_text())

# Row of Tables 23 and 24 in config/paper.csv -> the sizes it stands for.
VARIANTS = {
    "raw": {"encoding": "raw"},
    "positional": {"encoding": "positional", "index_frequencies": 32},
    "F256": {"index_frequencies": 256},
    "F512": {"index_frequencies": 512},
    "F1024": {"index_frequencies": 1024},
    "F4096": {"index_frequencies": 4096},
    "d32": {"hidden_dim": 32},
    "d64": {"hidden_dim": 64},
    "d256": {"hidden_dim": 256},
    "blk0": {"blocks": 0},
    "blk1": {"blocks": 1},
    "blk3": {"blocks": 3},
    "default": {},
    "default_with_tse": {"structure_encoder": True},
    "mnist_F1024_d64": {"index_frequencies": 1024, "hidden_dim": 64},
    "recursive_root_F1024_d64_tse": {"index_frequencies": 1024, "hidden_dim": 64, "structure_encoder": True},
}


def meta_uhn(**sizes):
    with torch.device("meta"):
        return UHN(UHNConfig(**sizes), build_model("kan_kv").ranges())


@pytest.mark.parametrize("name", VARIANTS)
def test_parameter_counts(name):
    counts = count_parameters(meta_uhn(**VARIANTS[name]), 0)
    expected = VECTORS["hypernetwork_parameter_counts"][name]
    assert (counts.trainable, counts.printed) == (expected["trainable"], expected["total_incl_frozen"])


def test_every_printed_count_of_tables_23_and_24_is_one_of_these():
    with open(config_dir() / "paper.csv") as file:
        printed = {
            int(float(row["mean"]))
            for row in csv.DictReader(file)
            if row["quantity"] == "params" and row["table"] in ("23", "24")
        }
    known = [v["total_incl_frozen"] for v in VECTORS["hypernetwork_parameter_counts"].values()]
    assert len(printed) == 13 and printed <= set(known)


def fill(shape):
    k = torch.arange(int(np.prod(shape)), dtype=torch.float64)
    return (0.1 * (((k * 7919) % 1009) / 504 - 1)).view(shape)


def cnn20():
    """Index table and structure rows of CNN-20 from the vectors' own shapes and rows."""
    model = VECTORS["models"]["cnn20_cifar10"]
    fields = (IndexField.OUT_IDX, IndexField.IN_IDX, IndexField.KERNEL_H_IDX, IndexField.KERNEL_W_IDX)
    grids = [
        ComponentGrid(idx, int(row[1]), kind, tuple(Axis(f, n) for f, n in zip(fields, shape, strict=False)))
        for idx, (row, shapes) in enumerate(zip(model["local_rows"], model["component_shapes"], strict=True))
        for kind, shape in enumerate(shapes)
    ]
    table = materialise_index_table(grids)
    assert table.sum(axis=0).tolist() == model["index_column_sum"]
    tokens = [model["global_row"] + row for row in model["local_rows"]]
    bounds = VECTORS["normalisation_min_max"]["single:cnn20_cifar10"]
    ranges = Ranges(
        tuple(bounds["index"][0]),
        tuple(bounds["index"][1]),
        tuple(bounds["global"][0] + bounds["local"][0]),
        tuple(bounds["global"][1] + bounds["local"][1]),
    )
    return torch.from_numpy(table), torch.tensor(tokens, dtype=torch.float64), ranges


def filled_uhn(ranges, **sizes):
    config = UHNConfig(index_frequencies=8, hidden_dim=16, structure_frequencies=4, **sizes)
    uhn = UHN(config, ranges).double()
    norms = [f"{name}." for name, m in uhn.named_modules() if isinstance(m, torch.nn.LayerNorm)]
    with torch.no_grad():
        for name, parameter in uhn.named_parameters():
            is_gain = name.endswith("weight") and any(name.startswith(norm) for norm in norms)
            parameter.copy_(fill(parameter.shape) + (1 if is_gain else 0))
        for name, buffer in uhn.named_buffers():
            if name.endswith("encoding.frequencies"):
                buffer.copy_(10 * fill(buffer.shape))
    return uhn


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("fourier_no_tse", {}),
        ("raw_no_tse", {"encoding": "raw"}),
        ("fourier_tse", {"structure_encoder": True}),
    ],
)
def test_forward(name, sizes):
    table, tokens, ranges = cnn20()
    rows = VECTORS["hypernetwork_forward"]["rows"]
    outputs = filled_uhn(ranges, **sizes).query(table[rows], tokens)
    np.testing.assert_allclose(outputs.detach().numpy(), VECTORS["hypernetwork_forward"]["outputs"][name], rtol=1e-13)
