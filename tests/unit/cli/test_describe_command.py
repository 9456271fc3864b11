"""``uhn describe`` at the terminal."""

import json

import numpy as np
import pytest

from uhn.cli import main
from uhn.models.registry import build_model
from uhn.models.settings import SETTING_NAMES, setting_ranges

MODEL_KEYS = [
    "name",
    "num_params",
    "layers",
    "global_row",
    "index_min",
    "index_max",
    "structure_min",
    "structure_max",
]


def test_model_as_json_with_its_index_table(tmp_path, capsys):
    table = tmp_path / "table.npy"
    assert main(["describe", "pubmed_gat", "--json", "--index-table", str(table)]) == 0
    description = json.loads(capsys.readouterr().out)
    assert list(description) == MODEL_KEYS
    assert description["num_params"] == 33_779
    assert [layer["type"] for layer in description["layers"]] == ["gat", "gat"]
    assert description["layers"][0]["components"][2] == {
        "name": "att_src",
        "param_type": 2,
        "shape": [1, 8, 8],
        "init_mean": 0.0,
        "init_std": pytest.approx((2 / 16) ** 0.5),
    }
    np.testing.assert_array_equal(np.load(table), build_model("pubmed_gat").index_table())


@pytest.mark.parametrize("setting", SETTING_NAMES)
def test_setting_as_json(setting, capsys):
    assert main(["describe", "--setting", setting, "--json"]) == 0
    description = json.loads(capsys.readouterr().out)
    assert list(description) == ["name", *MODEL_KEYS[4:]]
    assert description["name"] == setting
    assert tuple(description["structure_max"]) == setting_ranges(setting).structure_max
    assert [len(description[key]) for key in MODEL_KEYS[4:]] == [10, 10, 29, 29]


def test_table_collapses_equal_layers(capsys):
    assert main(["describe", "cifar10_cnn56"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "850,986 parameters in 56 layers" in lines[0]
    assert [line for line in lines if line.startswith("layer")] == [
        "layer 0: conv2d",
        "layers 1 to 18: conv2d",
        "layer 19: conv2d",
        "layers 20 to 36: conv2d",
        "layer 37: conv2d",
        "layers 38 to 54: conv2d",
        "layer 55: linear",
    ]


def test_table_of_a_setting(capsys):
    assert main(["describe", "--setting", "cnn_mixed_depth"]) == 0
    assert "num_layers                 20 .. 32" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "either MODEL or --setting"),
        (["mnist_mlp", "--setting", "recursion"], "either MODEL or --setting"),
        (["--setting", "recursions"], "unknown setting"),
        (["--setting", "recursion", "--index-table", "t.npy"], "needs a MODEL"),
        (["mnist_mpl"], "did you mean 'mnist_mlp'?"),
        (["cnn_mixed_width/500"], "0..499"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(arguments, words, capsys):
    assert main(["describe", *arguments]) == 2
    captured = capsys.readouterr()
    assert words in captured.err and captured.err.count("\n") == 1 and not captured.out
