"""Every #Params that the paper prints, read from config/paper.csv, against what our code builds."""

import csv
from dataclasses import replace
from functools import cache

import pytest
import torch

from uhn.configuration.generators import ChunkedConfig, HAConfig, UHNConfig
from uhn.configuration.resolve import load_defaults
from uhn.hypernetworks.chunked import Chunked
from uhn.hypernetworks.counting import count_parameters
from uhn.hypernetworks.ha import HA
from uhn.hypernetworks.uhn import UHN
from uhn.models.model_sets import FAMILIES
from uhn.models.registry import build_model
from uhn.paths import config_dir

with open(config_dir() / "paper.csv") as file:
    PRINTED = [
        (int(row["table"]), row["row"], row["column"], int(float(row["mean"])))
        for row in csv.DictReader(file)
        if row["quantity"] == "params"
    ]
DEFAULT = UHNConfig(**load_defaults()["hypernetwork"])


def uhn_config(table, row):
    """The generator's sizes behind a cell: config/defaults.yaml and what the row varies."""
    if table in (23, 24):
        if table == 23:
            return replace(DEFAULT, encoding=row, index_frequencies=32 if row == "positional" else 2048)
        name, value = row.split("_")
        field = {"fv": "index_frequencies", "d": "hidden_dim", "blocks": "blocks"}[name]
        return replace(DEFAULT, **{field: int(value)})
    if row.startswith("mnist"):
        return replace(DEFAULT, index_frequencies=1024, hidden_dim=64)
    return replace(DEFAULT, structure_encoder=table in (3, 25) and not row.endswith("without_tse"))


@cache
def family_counts(family):
    with torch.device("meta"):
        return [FAMILIES[family].build(i).num_params for i in range(len(FAMILIES[family].configs))]


def count(table, row, column):
    if column == "uhn":
        # the generator's size does not depend on its target: that is the claim
        generator = UHN(uhn_config(table, row), build_model("kan_kv").ranges())
        return count_parameters(generator, 0).printed
    if column == "direct":
        return build_model(row).num_params
    if column == "ha":
        return count_parameters(HA(build_model(row), HAConfig()), 0).printed
    if column == "chunked":
        return count_parameters(Chunked(build_model(row), ChunkedConfig()), 0).printed
    counts = family_counts(row)
    # the paper truncates averages
    return {
        "number_of_models": len(counts),
        "average_target": sum(counts) // len(counts),
        "maximum_target": max(counts),
    }[column]


def test_the_paper_prints_counts_in_these_tables():
    assert sorted({table for table, *_ in PRINTED}) == [1, 2, 3, 11, 23, 24, 25]
    assert len(PRINTED) == 22 + 16 + 16 + 15 + 3 + 13 + 4


@pytest.mark.parametrize(("table", "row", "column", "printed"), [p for p in PRINTED if p[0] != 3 or p[2] == "uhn"])
def test_printed_count(table, row, column, printed):
    assert count(table, row, column) == printed


@pytest.mark.slow
@pytest.mark.parametrize(("table", "row", "column", "printed"), [p for p in PRINTED if p[0] == 3 and p[2] != "uhn"])
def test_printed_family_count(table, row, column, printed):
    assert count(table, row, column) == printed
