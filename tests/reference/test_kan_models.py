"""KAN targets against the reference vectors: counts, descriptors, ranges, init targets, forward values."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from uhn.models.registry import build_model

VECTORS = json.loads((Path(__file__).parent / "test_vectors.json").read_text())
KANS = ["kan_kv", "kan_jv"]


def fill(count, factor, modulus, half):
    """The vectors' arithmetic fill of a flat tensor."""
    k = torch.arange(count, dtype=torch.float64)
    return ((k * factor) % modulus) / half - 1


@pytest.mark.parametrize(
    ("function", "count"),
    [(name, 254) for name in ("ellipkinc", "ellipeinc", "kv", "iv", "lpmv0", "lpmv1", "lpmv2", "sph_harm01")]
    + [(name, 254) for name in ("sph_harm11", "sph_harm02", "sph_harm12", "sph_harm22")]
    + [("jv", 364), ("yv", 364), ("ellipj", 407)],
)
def test_counts_of_table_11(function, count):
    model = build_model(f"kan_{function}")
    assert model.num_params == count
    assert sum(p.numel() for p in model.parameters()) == count


@pytest.mark.parametrize("name", KANS)
def test_components_and_init_targets(name):
    expected, model = VECTORS["models"][name], build_model(name)
    for (_, layer), shapes, targets in zip(
        model.layers, expected["component_shapes"], expected["init_targets_mean_std"], strict=True
    ):
        components = layer.components()
        assert [list(c.shape) for c in components] == shapes
        assert [c.param_type for c in components] == list(range(7))
        np.testing.assert_allclose([[c.init.mean, c.init.std] for c in components], targets, rtol=1e-14)
        assert all(tuple(getattr(layer, c.name).shape) == c.shape for c in components)


@pytest.mark.parametrize("name", KANS)
def test_index_table(name):
    expected, table = VECTORS["models"][name], build_model(name).index_table()
    order = (np.arange(len(table)) % 997 + 1)[:, None]
    assert table.sum(axis=0).tolist() == expected["index_column_sum"]
    assert (table * order).sum(axis=0).tolist() == expected["index_column_weighted_sum"]
    assert table[0].tolist() == expected["index_first_row"]
    assert table[-1].tolist() == expected["index_last_row"]
    for row, values in expected["index_rows"].items():
        assert table[int(row)].tolist() == values


@pytest.mark.parametrize("name", KANS)
def test_structure_tokens_and_ranges(name):
    model = build_model(name)
    expected, bounds = VECTORS["models"][name], VECTORS["normalisation_min_max"][f"single:{name}"]
    tokens = model.structure_tokens()
    assert tokens[:, :8].tolist() == [expected["global_row"]] * 2
    assert tokens[:, 8:].tolist() == expected["local_rows"]
    ranges = model.ranges()
    assert [list(ranges.index_min), list(ranges.index_max)] == bounds["index"]
    assert list(ranges.structure_min) == bounds["global"][0] + bounds["local"][0]
    assert list(ranges.structure_max) == bounds["global"][1] + bounds["local"][1]


@pytest.mark.parametrize("name", KANS)
def test_forward(name):
    model = build_model(name).double()
    weights = model.unflatten(0.1 * fill(model.num_params, 7919, 1009, 504))
    outputs = model.run(weights, fill(8, 6007, 1013, 506).view(4, 2))
    expected = VECTORS["base_model_forward"]["outputs"][name]
    np.testing.assert_allclose(outputs.numpy(), expected, rtol=1e-12)
