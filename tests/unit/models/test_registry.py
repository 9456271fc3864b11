"""Names of target models: wrong ones, and what building them imports."""

import subprocess
import sys

import pytest

from uhn.errors import UserError
from uhn.models.model_sets import FAMILIES
from uhn.models.registry import FAMILY_NAMES, build_model
from uhn.models.settings import SETTING_NAMES, setting_ranges


def test_registry_and_model_sets_know_the_same_families():
    assert tuple(FAMILIES) == FAMILY_NAMES
    assert (*FAMILY_NAMES, "multi_task", "recursion") == SETTING_NAMES


@pytest.mark.parametrize(
    "name, words",
    [
        ("cifar10_cn20", ["unknown model", "did you mean 'cifar10_cnn20'?"]),
        ("xyz", ["unknown model", "expected one of mnist_mlp"]),
        ("cnn_mixed_width", ["one of its members", "cnn_mixed_width/0"]),
        ("cnn_mixed_width/500", ["0..499", "got 500"]),
        ("cnn_mixed_width/-1", ["member id", "'-1'"]),
        ("cnn_mixed_width/", ["member id", "''"]),
        ("cnn_mixed_widths/3", ["unknown model family", "did you mean 'cnn_mixed_width'?"]),
        ("mnist_mlp/3", ["unknown model family"]),
    ],
)
def test_wrong_names(name, words):
    with pytest.raises(UserError) as error:
        build_model(name)
    assert "\n" not in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_unknown_setting():
    with pytest.raises(UserError, match="unknown setting 'depth'; expected one of cnn_mixed_depth"):
        setting_ranges("depth")


def test_only_graph_models_import_the_graph_library():
    code = (
        "import sys; from uhn.models.registry import build_model\n"
        "for name in ('kan_kv', 'cnn_mixed_width/1', 'generated_uhn', 'cora_gcn'):\n"
        "    build_model(name); print(name, 'torch_geometric' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = ["kan_kv False", "cnn_mixed_width/1 False", "generated_uhn False", "cora_gcn True"]
    assert found.stdout.splitlines() == expected
