"""The UHN against the independent implementation: forward passes and the counts of Tables 1, 23 and 24."""

import csv

import pytest
import torch
from reference_vectors import VECTORS, weight_fill
from torch import nn

from uhn.configuration.generators import UHNConfig
from uhn.hypernetworks.counting import count_parameters
from uhn.hypernetworks.uhn import UHN
from uhn.models.registry import build_model
from uhn.paths import config_dir

FORWARD = VECTORS["hypernetwork_forward"]
SMALL = {"index_frequencies": 8, "hidden_dim": 16, "structure_frequencies": 4}
VARIANTS = {
    "fourier_no_tse": UHNConfig(**SMALL),
    "raw_no_tse": UHNConfig(**SMALL, encoding="raw"),
    "fourier_tse": UHNConfig(**SMALL, structure_encoder=True),
}
COUNTED = {
    "mnist_F1024_d64": UHNConfig(index_frequencies=1024, hidden_dim=64),
    "default": UHNConfig(),
    "default_with_tse": UHNConfig(structure_encoder=True),
    "recursive_root_F1024_d64_tse": UHNConfig(index_frequencies=1024, hidden_dim=64, structure_encoder=True),
    "raw": UHNConfig(encoding="raw"),
    "positional": UHNConfig(encoding="positional", index_frequencies=32),
    "F256": UHNConfig(index_frequencies=256),
    "F512": UHNConfig(index_frequencies=512),
    "F1024": UHNConfig(index_frequencies=1024),
    "F4096": UHNConfig(index_frequencies=4096),
    "d32": UHNConfig(hidden_dim=32),
    "d64": UHNConfig(hidden_dim=64),
    "d256": UHNConfig(hidden_dim=256),
    "blk0": UHNConfig(blocks=0),
    "blk1": UHNConfig(blocks=1),
    "blk3": UHNConfig(blocks=3),
}


def fill_by_rule(generator):
    """Every tensor restarts at k = 0; Fourier matrices are 10 x the fill, LayerNorm gains 1 + the fill."""
    gains = {id(m.weight) for m in generator.modules() if isinstance(m, nn.LayerNorm)}
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.copy_(weight_fill(parameter.numel()).view_as(parameter) + float(id(parameter) in gains))
        for name, buffer in generator.named_buffers():
            if name.endswith("encoding.frequencies"):
                buffer.copy_(10 * weight_fill(buffer.numel()).view_as(buffer))


def test_every_variant_of_the_file_is_tested():
    assert set(VARIANTS) == set(FORWARD["outputs"])
    assert set(COUNTED) == set(VECTORS["hypernetwork_parameter_counts"])


@pytest.mark.parametrize("variant", VARIANTS)
def test_forward_with_given_weights(variant):
    target = build_model("cifar10_cnn20")
    generator = UHN(VARIANTS[variant], target.ranges()).double()
    fill_by_rule(generator)
    rows = torch.as_tensor(target.index_table()[FORWARD["rows"]])
    scalars = generator.query(rows, torch.as_tensor(target.structure_tokens()))
    expected = torch.tensor(FORWARD["outputs"][variant], dtype=torch.float64)
    torch.testing.assert_close(scalars, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("key", COUNTED)
def test_parameter_counts(key):
    ranges = build_model("cifar10_cnn20").ranges()
    with torch.device("meta"):
        counts = count_parameters(UHN(COUNTED[key], ranges), 0)
    expected = VECTORS["hypernetwork_parameter_counts"][key]
    assert (counts.printed, counts.trainable) == (expected["total_incl_frozen"], expected["trainable"])


def test_every_printed_count_of_tables_23_and_24_is_one_of_these():
    with open(config_dir() / "paper.csv") as file:
        printed = {
            int(float(row["mean"]))
            for row in csv.DictReader(file)
            if row["quantity"] == "params" and row["table"] in ("23", "24")
        }
    known = [counts["total_incl_frozen"] for counts in VECTORS["hypernetwork_parameter_counts"].values()]
    assert len(printed) == 13 and printed <= set(known)
