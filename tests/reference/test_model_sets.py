"""The sampled families against lists that an independent implementation drew (condensed), and Table 3."""

import hashlib
import json
from itertools import pairwise
from pathlib import Path

import pytest

from uhn.configuration.run import TaskConfig
from uhn.models.model_sets import FAMILIES
from uhn.models.registry import build_model
from uhn.training.targets import TargetSet

REFERENCE = json.loads((Path(__file__).parent / "model_sets.json").read_text())["families"]


def architecture(config):
    if hasattr(config, "stage_layers"):
        return [list(config.stage_layers), list(config.stage_widths)]
    return [list(config.feedforward_layers), config.heads, config.width]


def count_cnn(layers, widths):
    """Weights and biases by hand: 3 x 3 convolutions from 3 channels, then a classifier of 10."""
    channels = [3, *(width for depth, width in zip(layers, widths, strict=True) for _ in range(depth))]
    convs = sum(9 * a * b + b for a, b in pairwise(channels))
    return convs + channels[-1] * 10 + 10


def count_transformer(feedforward, _heads, width):
    square = width * width + width
    return (5000 + 128) * width + sum(4 * square + layers * square for layers in feedforward) + 4 * width + 4


def digest(value):
    return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode()).hexdigest()


@pytest.mark.parametrize("name", REFERENCE)
def test_sampled_architectures(name):
    facts, family = REFERENCE[name], FAMILIES[name]
    architectures = [architecture(config) for config in family.configs]
    assert len(architectures) == facts["size"] == family.size
    for member, expected in facts["members"].items():
        assert architectures[int(member)] == expected["architecture"]
    assert digest(architectures) == facts["sha256_architectures"]


@pytest.mark.parametrize("name", REFERENCE)
def test_parameter_counts_of_table_3(name):
    facts, family = REFERENCE[name], FAMILIES[name]
    count = count_transformer if name == "transformer_mixed" else count_cnn
    counts = [count(*architecture(config)) for config in family.configs]
    assert digest(counts) == facts["sha256_counts"]
    # The paper cuts the averages off.
    assert sum(counts) // len(counts) == facts["printed_average"]
    assert max(counts) == facts["printed_max"]
    for member, expected in facts["members"].items():
        assert build_model(f"{name}/{member}").num_params == expected["num_params"] == counts[int(member)]


@pytest.mark.parametrize("name", REFERENCE)
def test_splits(name):
    """What training draws from and what is reported, in final runs and while hyperparameters are tuned."""
    task = TaskConfig("t", "image_classification", "cifar10", name, "accuracy")
    final, tuning = (TargetSet(task, mode, {}).roles for mode in ("final", "tuning"))
    found = {
        "train": final.train,
        "test": final.reported["unseen"],
        "hold_in": final.reported["seen"],
        "tuning_train": tuning.train,
        "tuning_validation": tuning.reported[""],
    }
    assert found.keys() == REFERENCE[name]["splits"].keys()
    for split, (first, last) in REFERENCE[name]["splits"].items():
        assert list(found[split]) == [f"{name}/{member}" for member in range(first, last + 1)]


def test_splits_name_members():
    family = FAMILIES["cnn_mixed_depth"]
    assert family.member_names(family.splits.train)[:2] == ["cnn_mixed_depth/0", "cnn_mixed_depth/1"]
    assert family.member_names(family.splits.test)[-1] == "cnn_mixed_depth/99"
