"""Variants that repeat another one."""

from pathlib import Path

import pytest

from uhn.configuration.resolve import load_experiment, load_experiment_file
from uhn.configuration.variants import complete_variants
from uhn.errors import UserError

UHN = {"method": "uhn", "init": {"steps": 10, "lr": 0.1, "clip_norm": 0.5}, "train": {"epochs": 4, "lr": 0.2}}
FILE = Path("some.yaml")


def completed(**variants):
    task = {"task": "image_classification", "dataset": "mnist", "model": "mnist_mlp", "metric": "accuracy"}
    return complete_variants({"setting": "some", **task, "variants": {"uhn": UHN, **variants}}, FILE)["variants"]


def test_what_differs_replaces_single_keys():
    variants = completed(
        longer={"like": "uhn", "train": {"epochs": 8}},
        wider={"like": "longer", "hypernetwork": {"hidden_dim": 64}, "init": {"steps": 0, "clip_norm": None}},
    )
    assert variants["uhn"] == UHN
    assert variants["longer"] == UHN | {"train": {"epochs": 8, "lr": 0.2}}
    assert variants["wider"] == {
        "method": "uhn",
        "hypernetwork": {"hidden_dim": 64},
        "init": {"steps": 0, "lr": 0.1, "clip_norm": None},
        "train": {"epochs": 8, "lr": 0.2},
    }


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ({"a": {"like": "b"}, "b": UHN}, r"some.yaml: variants.a.like: expected a variant above it \(uhn\), got 'b'"),
        ({"a": {"like": "a"}}, r"variants.a.like: expected a variant above it \(uhn\), got 'a'"),
        ({"a": {"like": "uhn", "method": "direct"}}, r"some.yaml: variants.a.init: not allowed here; remove it"),
        ({"a": {"like": "uhn", "train": {"steps": 3}}}, r"variants.a.train: expected only one of epochs, steps"),
    ],
)
def test_mistakes_are_one_line_that_names_the_file(variants, message):
    with pytest.raises(UserError, match=message) as caught:
        completed(**variants)
    assert "\n" not in str(caught.value)


def test_a_file_without_like_needs_everything(tmp_path):
    path = tmp_path / "some.yaml"
    path.write_text(
        "setting: some\ntask: image_classification\ndataset: mnist\nmodel: mnist_mlp\nmetric: accuracy\n"
        "variants:\n  uhn: {method: uhn, init: {steps: 0}, train: {epochs: 1, lr: 0.1}}\n"
    )
    with pytest.raises(UserError, match=r"variants\.uhn\.init: 'lr' is a required property"):
        load_experiment_file(path)


def test_a_published_file_comes_completed():
    variants = load_experiment("cnn_mixed_depth")["variants"]
    assert variants["smooth_layers_no_tse"] == {
        "method": "uhn",
        "hypernetwork": {"layer_scale": 5.0, "structure_encoder": False},
        "init": {"steps": 12800, "lr": 2e-4},
        "train": {"epochs": 3200, "lr": 5e-5},
    }
