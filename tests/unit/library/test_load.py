"""Saved generators and trained runs, loaded."""

import json
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file
from tiny_runs import tiny_run, train
from torch import nn

import uhn
from uhn.errors import UserError
from uhn.training.generate import generate_weights

SIZES = {"hidden_dim": 8, "index_frequencies": 16, "blocks": 1}


def module(width=4):
    torch.manual_seed(width)
    net = nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width), nn.Flatten(), nn.Linear(width * 4, 2))
    net[3].bias.requires_grad_(False)
    return net


@pytest.fixture
def saved(tmp_path):
    """A generator, its target, which has run in training mode, and their folder."""
    torch.manual_seed(3)
    target = uhn.adapt(module(), name="small")
    generator = uhn.UHN.for_targets(target, **SIZES, structure_encoder=True, structure_frequencies=2, structure_heads=2)
    with torch.no_grad():
        target.train().run(generator(target), 3 + torch.randn(8, 1, 4, 4))
    generator.save(tmp_path / "saved", target)
    return generator, target, tmp_path / "saved"


def test_another_process_gets_the_same_outputs(saved, tmp_path):
    """The module there starts from other weights, another frozen bias and fresh running statistics."""
    generator, target, folder = saved
    code = f"""
import torch, uhn
from torch import nn
from safetensors.torch import save_file
net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
net[3].bias.requires_grad_(False)
target = uhn.adapt(net, name="small")
generator = uhn.load({str(folder)!r}, target)
with torch.no_grad():
    model = target.materialise(generator(target)).eval()
    save_file({{"y": model(torch.ones(2, 1, 4, 4).cumsum(-1))}}, {str(tmp_path / "y.safetensors")!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    with torch.no_grad():
        expected = target.eval().run(generator(target), torch.ones(2, 1, 4, 4).cumsum(-1))
    assert target.buffers["1.running_mean"].abs().min() > 0
    torch.testing.assert_close(load_file(tmp_path / "y.safetensors")["y"], expected)


def test_ranges_and_sizes_stay_with_a_saved_generator(saved):
    generator, _, folder = saved
    loaded = uhn.load(folder)
    assert (loaded.config, loaded.ranges) == (generator.config, generator.ranges)
    assert all(torch.equal(loaded.state_dict()[name], tensor) for name, tensor in generator.state_dict().items())
    with pytest.raises(UserError, match="expected values in"):
        loaded(uhn.adapt(module(9)))


def test_targets_that_were_not_saved_or_do_not_fit_are_refused(saved, tmp_path):
    generator, target, folder = saved
    with pytest.raises(UserError, match="no target 'other' was saved with the generator; expected one of small"):
        uhn.load(folder, uhn.adapt(module(), name="other"))
    with pytest.raises(UserError, match=r"expected '.*' of shape"):
        uhn.load(folder, uhn.adapt(module(3), name="small"))
    with pytest.raises(UserError, match="distinct names"):
        generator.save(tmp_path / "twice", [target, uhn.adapt(module(), name="small")])
    assert not (tmp_path / "twice").exists()


def next_format(folder):
    path = folder / "uhn.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))


@pytest.mark.parametrize(
    "damage",
    [
        next_format,
        lambda folder: (folder / "generator.safetensors").write_bytes(b"x"),
        lambda folder: (folder / "targets.safetensors").unlink(),
        lambda folder: (folder / "uhn.json").write_text("{"),
        lambda folder: (folder / "uhn.json").write_text("[]"),
        lambda folder: (folder / "uhn.json").unlink(),
        lambda folder: (folder / "uhn.json").write_text(json.dumps({"format": 1, "class": "UHN"})),
    ],
)
def test_damaged_folders_are_refused_in_one_line(saved, damage):
    folder = saved[2]
    damage(folder)
    with pytest.raises(UserError) as refusal:
        uhn.load(folder)
    assert str(folder) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_run_of_the_pipeline_is_loaded_with_its_targets(at_home, tmp_path):
    train(tiny_run("cnn_mixed_width", steps=1, init=1), tmp_path / "run")
    generator, targets = uhn.load(tmp_path / "run"), uhn.load_targets(tmp_path / "run")
    name = list(targets)[-1]
    with torch.no_grad():
        weights = generator(targets[name])
    written = generate_weights(tmp_path / "run", name)
    assert weights.keys() == written.keys()
    assert all(torch.equal(weights[key], written[key]) for key in written)
    with pytest.raises(KeyError):
        targets["cnn_mixed_width/none"]
    with pytest.raises(UserError, match="has no saved targets"):
        uhn.load(tmp_path / "run", targets[name])
