"""Sizes, several weight sets, and what the names of the package import."""

import subprocess
import sys
import warnings

import pytest
import torch
from torch import nn
from torch.func import functional_call, stack_module_state, vmap

import uhn
from uhn.errors import UserError

SIZES = {"hidden_dim": 8, "index_frequencies": 16, "blocks": 1}


def test_ranges_are_the_union_of_the_targets():
    low, high = uhn.adapt(nn.Linear(3, 4)), uhn.adapt(nn.Sequential(nn.Linear(2, 9), nn.LayerNorm(9)))
    ranges = uhn.UHN.for_targets([low, high], **SIZES).ranges
    #                           layer type param out in
    assert ranges.index_min[:5] == (0, 0, 0, 0, -1)
    assert ranges.index_max[:5] == (1, 14, 1, 8, 2)


def test_long_axes_are_warned_of_unless_scales_grow_with_them():
    target = uhn.adapt(nn.Embedding(5000, 2))
    with pytest.warns(UserWarning, match="encoding_scale='auto'"):
        uhn.UHN.for_targets(target, encoding_scale=100.0, **SIZES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        uhn.UHN.for_targets(target, **SIZES)
        uhn.UHN.for_targets(target, encoding="hash", **SIZES)


def test_automatic_scales_generate_as_the_reference_does():
    torch.manual_seed(0)
    target = uhn.adapt(nn.Sequential(nn.Embedding(3000, 4), nn.Linear(4, 3000)))
    generator = uhn.UHN.for_targets(target, **SIZES)
    with torch.no_grad():
        fast, slow = generator(target), generator.reference(target)
    for name, expected in slow.items():
        torch.testing.assert_close(fast[name], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("targets", "sizes", "message"),
    [
        ([], {}, "expected at least one"),
        ([nn.Linear(2, 2)], {}, "expected what uhn.adapt.* got a Linear"),
        ([uhn.adapt(nn.Linear(2, 2))], {"hiden_dim": 3}, "no size 'hiden_dim'; did you mean 'hidden_dim'"),
        ([uhn.adapt(nn.Linear(2, 2))], {"encoding": "none"}, "encoding: expected one of"),
    ],
)
def test_bad_sizes_are_refused(targets, sizes, message):
    with pytest.raises(UserError, match=message):
        uhn.UHN.for_targets(targets, **sizes)


def test_several_tasks_of_one_architecture_get_their_weights():
    torch.manual_seed(0)
    net = nn.Linear(3, 2)
    targets = [uhn.adapt(net, task=task) for task in range(3)]
    generator = uhn.UHN.for_targets(targets, **SIZES, structure_encoder=True, structure_frequencies=4)
    nn.init.normal_(generator.structure_encoder.readout.weight)
    x = torch.randn(5, 3)
    with torch.no_grad():
        many = generator.generate_many(targets)
        outputs = targets[0].run_many(many, x)
        expected = torch.stack([x @ w["weight"].T + w["bias"] for w in map(generator, targets)])
    torch.testing.assert_close(outputs, expected)
    assert (expected[0] - expected[1]).abs().max() > 1e-3
    with pytest.raises(UserError, match="expected one architecture"):
        generator.generate_many([targets[0], uhn.adapt(nn.Linear(2, 2))])


def test_several_generators_generate_at_once_under_vmap():
    torch.manual_seed(0)
    target = uhn.adapt(nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)))
    generators = [uhn.UHN.for_targets(target, **SIZES) for _ in range(3)]
    parameters, buffers = stack_module_state(generators)

    def generate(parameters, buffers):
        return functional_call(generators[0], {**parameters, **buffers}, (target,))

    many = vmap(generate)(parameters, buffers)
    for position, generator in enumerate(generators):
        for name, expected in generator(target).items():
            torch.testing.assert_close(many[name][position], expected, rtol=1e-4, atol=1e-5)


def test_names_of_the_package_come_without_what_they_do_not_need():
    code = "import sys, uhn; uhn.UHN; print(*sys.modules); assert all(hasattr(uhn, name) for name in uhn._PUBLIC)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "uhn.hypernetworks.uhn" in loaded
    assert not {"uhn.training", "uhn.data", "uhn.adapted.model", "torch_geometric", "pandas", "mlflow"} & set(loaded)
