"""Every target model against the independent implementation: counts, descriptors, targets, forward passes."""

import numpy as np
import pytest
import torch
from reference_vectors import MODEL_NAMES, VECTORS, forward_inputs, weight_fill

from uhn.descriptors.structure import NUM_GLOBAL_FIELDS
from uhn.models.registry import build_model

MODELS = VECTORS["models"]
DETAILED = [key for key, facts in MODELS.items() if "local_rows" in facts]

# Every parameter count that the paper prints for a target model (Tables 1, 2 and 11).
PRINTED_COUNTS = {
    "mnist_mlp": 118_282,
    "mnist_cnn8": 74_762,
    "cifar10_cnn20": 269_034,
    "cifar10_cnn32": 463_018,
    "cifar10_cnn44": 657_002,
    "cifar10_cnn56": 850_986,
    "cora_gcn": 92_231,
    "citeseer_gcn": 237_446,
    "pubmed_gcn": 32_259,
    "cora_gat": 92_373,
    "citeseer_gat": 237_586,
    "pubmed_gat": 33_779,
    "agnews_transformer2l": 378_372,
    "imdb_transformer1l": 377_858,
    "kan_ellipj": 407,
    "kan_ellipkinc": 254,
    "kan_ellipeinc": 254,
    "kan_jv": 364,
    "kan_yv": 364,
    "kan_kv": 254,
    "kan_iv": 254,
    "kan_lpmv0": 254,
    "kan_lpmv1": 254,
    "kan_lpmv2": 254,
    "kan_sph_harm01": 254,
    "kan_sph_harm02": 254,
    "kan_sph_harm11": 254,
    "kan_sph_harm12": 254,
    "kan_sph_harm22": 254,
    "generated_uhn": 181_121,
}


@pytest.mark.parametrize("name", PRINTED_COUNTS)
def test_count_is_the_printed_one_and_that_of_the_ordinary_module(name):
    target = build_model(name)
    assert target.num_params == PRINTED_COUNTS[name]
    assert sum(p.numel() for p in target.parameters()) == PRINTED_COUNTS[name]


@pytest.mark.parametrize("key", DETAILED)
def test_components_and_their_targets(key):
    facts, target = MODELS[key], build_model(MODEL_NAMES[key])
    assert target.num_params == facts["num_params"]
    layers = [layer.components() for _, layer in target.layers]
    assert [[list(c.shape) for c in components] for components in layers] == facts["component_shapes"]
    assert all([c.param_type for c in components] == list(range(len(components))) for components in layers)
    lengths = [len(placed.grid) for placed in target.placed_components]
    assert lengths == [length for layer in facts["component_lengths"] for length in layer]
    found = [[c.init.mean, c.init.std] for components in layers for c in components]
    expected = [target for layer in facts["init_targets_mean_std"] for target in layer]
    np.testing.assert_allclose(found, expected, rtol=1e-13)


@pytest.mark.parametrize("key", DETAILED)
def test_structure_rows(key):
    facts, tokens = MODELS[key], build_model(MODEL_NAMES[key]).structure_tokens()
    np.testing.assert_array_equal(tokens[:, NUM_GLOBAL_FIELDS:], facts["local_rows"])
    np.testing.assert_array_equal(tokens[:, :NUM_GLOBAL_FIELDS], [facts["global_row"]] * len(tokens))


@pytest.mark.parametrize("key", MODELS)
def test_index_table(key):
    facts, target = MODELS[key], build_model(MODEL_NAMES[key])
    table = target.index_table()
    assert table.shape == (facts["num_params"], 10)
    np.testing.assert_array_equal(table.sum(axis=0), facts["index_column_sum"])
    position_weights = np.arange(len(table)) % 997 + 1
    np.testing.assert_array_equal(position_weights @ table, facts["index_column_weighted_sum"])
    np.testing.assert_array_equal(table[0], facts["index_first_row"])
    np.testing.assert_array_equal(table[-1], facts["index_last_row"])
    for row, expected in facts["index_rows"].items():
        np.testing.assert_array_equal(table[int(row)], expected)
    np.testing.assert_array_equal(target.structure_tokens()[0, :NUM_GLOBAL_FIELDS], facts["global_row"])


@pytest.mark.parametrize("key", VECTORS["base_model_forward"]["outputs"])
def test_forward_with_given_weights(key):
    target = build_model(MODEL_NAMES[key]).eval()
    weights = target.unflatten(weight_fill(target.num_params))
    outputs = target.run(weights, *forward_inputs(key))
    expected = torch.tensor(VECTORS["base_model_forward"]["outputs"][key], dtype=torch.float64)
    torch.testing.assert_close(outputs, expected, rtol=1e-10, atol=1e-12)
