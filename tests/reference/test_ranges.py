"""Descriptor ranges against the reference file, and against the written rules where the file has no entry."""

import pytest
from reference_vectors import MODEL_NAMES, VECTORS

from uhn.descriptors.normalization import (
    INDEX_COLUMN_NAMES,
    STRUCTURE_COLUMN_NAMES,
    check_covered,
)
from uhn.models.registry import build_model, model_names
from uhn.models.settings import SETTING_NAMES, setting_ranges

REFERENCE = VECTORS["normalisation_min_max"]
SETTINGS = {
    "multi_model:cnn_depth": "cnn_mixed_depth",
    "multi_model:cnn_width": "cnn_mixed_width",
    "multi_task": "multi_task",
}


def as_reference(ranges):
    return {
        "global": [list(ranges.structure_min[:8]), list(ranges.structure_max[:8])],
        "local": [list(ranges.structure_min[8:]), list(ranges.structure_max[8:])],
        "index": [list(ranges.index_min), list(ranges.index_max)],
    }


@pytest.mark.parametrize("key", [key for key in REFERENCE if key.startswith("single:")])
def test_ranges_of_one_model(key):
    target = build_model(MODEL_NAMES[key.removeprefix("single:")])
    assert as_reference(target.ranges()) == REFERENCE[key]


@pytest.mark.parametrize("key", SETTINGS)
def test_ranges_of_a_setting(key):
    assert as_reference(setting_ranges(SETTINGS[key])) == REFERENCE[key]


def written_out(varying):
    """Bounds of all columns from those that are not [-1, -1] (index) or [0, 0] (structure)."""
    index = [varying.get(f"index.{name}", (-1, -1)) for name in INDEX_COLUMN_NAMES]
    structure = [varying.get(name, (0, 0)) for name in STRUCTURE_COLUMN_NAMES[:8]]
    structure += [varying.get(f"layer.{name}", (0, 0)) for name in STRUCTURE_COLUMN_NAMES[8:]]
    return [list(map(list, zip(*columns, strict=True))) for columns in (index, structure)]


def vectors(ranges):
    return [
        [list(ranges.index_min), list(ranges.index_max)],
        [list(ranges.structure_min), list(ranges.structure_max)],
    ]


def test_cnn_depth_width_family():
    # 3 * 6 + 2 .. 3 * 8 + 2 layers, widths 16 .. 128
    assert vectors(setting_ranges("cnn_mixed_depth_width")) == written_out(
        {
            "index.layer_idx": (0, 25),
            "index.layer_type": (0, 1),
            "index.param_type": (0, 1),
            "index.out_idx": (0, 127),
            "index.in_idx": (-1, 127),
            "index.kernel_h_idx": (-1, 2),
            "index.kernel_w_idx": (-1, 2),
            "model_type": (1, 1),
            "dataset_type": (1, 1),
            "num_layers": (20, 26),
            "cnn_stage_num": (4, 4),
            "layer.layer_idx": (0, 25),
            "layer.layer_type": (0, 1),
            "layer.bias_type": (0, 1),
            "layer.norm_type": (0, 1),
            "layer.shortcut_type": (0, 1),
            "layer.output_size": (10, 128),
            "layer.input_size": (3, 128),
            "layer.activation_type": (0, 3),
            "layer.activation_param": (0, 0.1),
            "layer.input_pooling_reshape_type": (0, 5),
            "layer.group_num": (0, 4),
            "layer.kernel_size": (0, 3),
            "layer.stage_wise_pooling_type": (0, 3),
        }
    )


def test_transformer_family():
    assert vectors(setting_ranges("transformer_mixed")) == written_out(
        {
            "index.layer_idx": (0, 17),
            "index.layer_type": (0, 5),
            "index.param_type": (0, 7),
            "index.out_idx": (0, 127),
            "index.in_idx": (-1, 127),
            "index.embedding_idx": (-1, 4999),
            "index.sequence_idx": (-1, 127),
            "model_type": (4, 4),
            "task_type": (2, 2),
            "dataset_type": (5, 5),
            "num_layers": (4, 18),
            "num_encoders": (1, 4),
            "layer.layer_idx": (0, 17),
            "layer.layer_type": (0, 5),
            "layer.bias_type": (0, 1),
            "layer.norm_type": (0, 1),
            "layer.shortcut_type": (0, 1),
            "layer.output_size": (4, 128),
            "layer.input_size": (0, 128),
            "layer.activation_type": (0, 3),
            "layer.activation_param": (0, 0.1),
            "layer.dropout_rate": (0, 0.2),
            "layer.input_pooling_reshape_type": (0, 5),
            "layer.num_heads": (0, 8),
            "layer.embedding_num": (0, 5000),
            "layer.max_sequence_length": (0, 128),
        }
    )


def test_recursion():
    # Union of the generated UHN (F_s 32, F_v 1024, d 64) and the leaf MLP (784-128-128-10).
    assert vectors(setting_ranges("recursion")) == written_out(
        {
            "index.layer_idx": (0, 10),
            "index.layer_type": (0, 5),
            "index.param_type": (0, 7),
            "index.out_idx": (0, 127),
            "index.in_idx": (-1, 2047),
            "model_type": (1, 6),
            "task_type": (0, 4),
            "dataset_type": (0, 22),
            "num_layers": (3, 11),
            "num_structure_freqs": (0, 32),
            "num_index_freqs": (0, 1024),
            "layer.layer_idx": (0, 10),
            "layer.layer_type": (0, 5),
            "layer.bias_type": (0, 1),
            "layer.norm_type": (0, 1),
            "layer.shortcut_type": (0, 1),
            "layer.output_size": (1, 128),
            "layer.input_size": (64, 2048),
            "layer.activation_type": (0, 3),
            "layer.activation_param": (0, 0.1),
            "layer.input_pooling_reshape_type": (0, 5),
            "layer.stage_wise_pooling_type": (0, 3),
            "layer.num_heads": (0, 4),
            "layer.initialization_type": (0, 1),
        }
    )


def assert_covered(target, ranges):
    check_covered(target.index_table(), ranges.index_min, ranges.index_max, INDEX_COLUMN_NAMES)
    check_covered(target.structure_tokens(), ranges.structure_min, ranges.structure_max, STRUCTURE_COLUMN_NAMES)


@pytest.mark.parametrize("name", model_names())
def test_single_model_ranges_cover_the_model(name):
    target = build_model(name)
    assert_covered(target, target.ranges())


@pytest.mark.parametrize("family", [name for name in SETTING_NAMES if "mixed" in name])
def test_family_ranges_cover_its_largest_members(family):
    from uhn.models.model_sets import FAMILIES

    members = range(FAMILIES[family].size)
    deepest = max(members, key=lambda member: FAMILIES[family].configs[member].num_layers)
    assert_covered(FAMILIES[family].build(0), setting_ranges(family))
    assert_covered(FAMILIES[family].build(deepest), setting_ranges(family))
