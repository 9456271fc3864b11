"""Running, materialising and saving with given weights."""

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, load_model
from torch import nn

import uhn
from uhn.configuration.generators import UHNConfig
from uhn.errors import UserError
from uhn.hypernetworks.uhn import UHN


def residual_cnn():
    """Convolutions with batch norms, and a readout."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(64, 3)
    )


def drawn(target):
    return target.unflatten(torch.randn(target.num_params))


def test_running_statistics_belong_to_the_target():
    module = residual_cnn()
    target, other = uhn.adapt(module), uhn.adapt(module)
    weights, x = drawn(target), torch.randn(8, 1, 6, 6)
    target.train().run(weights, x)
    mean = nn.functional.conv2d(x, weights["0.weight"]).mean((0, 2, 3))
    torch.testing.assert_close(target.buffers["1.running_mean"], 0.1 * mean)
    assert target.buffers["1.num_batches_tracked"] == 1
    assert (other.buffers["1.running_mean"] == 0).all()
    assert (module[1].running_mean == 0).all()


def test_the_mode_is_the_targets():
    module = residual_cnn().eval()
    target = uhn.adapt(module)
    assert not target.training
    assert target.train() is target
    assert target.training and not module.training
    assert not target.eval().training


def test_buffers_are_as_before_after_an_exception():
    class Fails(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(3)

        def forward(self, x):
            self.norm(x)
            raise KeyError("later")

    target = uhn.adapt(Fails())
    with pytest.raises(KeyError):
        target.run(drawn(target), torch.randn(4, 3))
    assert (target.buffers["norm.running_mean"] == 0).all()
    assert target.buffers["norm.num_batches_tracked"] == 0


def test_buffers_that_a_module_sets_anew():
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.gain = nn.Parameter(torch.ones(2))
            self.register_buffer("mean", torch.zeros(2))

        def forward(self, x):
            self.mean = 0.5 * self.mean + 0.5 * (self.gain * x).mean(0)
            return x * self.mean

    module = Counts()
    target = uhn.adapt(module)
    weights = {"gain": torch.tensor([1.0, 2.0], requires_grad=True)}
    for _ in range(2):
        target.run(weights, torch.ones(3, 2))
    torch.testing.assert_close(target.buffers["mean"], torch.tensor([0.75, 1.5]))
    assert not target.buffers["mean"].requires_grad
    assert (module.mean == 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("5.bias"), "'5.bias' is missing"),
        (lambda w: w.update({"6.bias": w["5.bias"]}), "has no parameter '6.bias'"),
        (
            lambda w: w.update({"5.weight": torch.zeros(4, 64)}),
            r"expected '5.weight' of shape \(3, 64\), got \(4, 64\)",
        ),
        (lambda w: w.update({"5.bias": torch.zeros(1)}), r"shape \(3,\), got \(1,\)"),
    ],
)
def test_weights_that_do_not_fit(change, message, tmp_path):
    target = uhn.adapt(residual_cnn())
    weights, x = drawn(target), torch.randn(2, 1, 6, 6)
    change(weights)
    for use in (
        lambda: target.run(weights, x),
        lambda: target.run_many([weights], x),
        lambda: target.materialise(weights),
        lambda: target.save(weights, tmp_path / "weights.safetensors"),
        lambda: target.recalibrate(weights, [x]),
    ):
        with pytest.raises(UserError, match=message):
            use()
    assert not list(tmp_path.iterdir())


def test_target_models_check_shapes_and_update_their_own_buffers():
    from uhn.models.registry import build_model

    model = build_model("kan_kv")
    weights = {n: p.detach() for n, p in model.named_parameters()}
    weights["blocks.1.base_weight"] = torch.zeros(2, 5)  # torch itself would widen the output
    with pytest.raises(UserError, match="base_weight"):
        model.run(weights, torch.rand(3, 2))
    model = build_model("kan_kv")
    model.register_buffer("calls", torch.zeros(()))
    model.register_forward_hook(lambda module, _, __: module.calls.add_(1))
    model.run({n: p.detach() for n, p in model.named_parameters()}, torch.rand(3, 2))
    assert model.calls == 1


def test_materialised_module_is_an_ordinary_one():
    module = residual_cnn()
    target = uhn.adapt(module)
    weights, x = drawn(target), torch.randn(8, 1, 6, 6)
    target.run(weights, x)
    made = target.eval().materialise(weights)
    assert type(made) is nn.Sequential
    assert list(made.state_dict()) == list(module.state_dict())
    assert all(p.requires_grad and p.is_leaf for p in made.parameters())
    torch.testing.assert_close(made(x), target.run(weights, x))
    torch.optim.SGD(made.parameters(), 0.1).zero_grad()
    made.train()(x).sum().backward()
    with torch.no_grad():
        made[5].weight.zero_()
    assert weights["5.weight"].abs().sum() > 0
    assert target.buffers["1.num_batches_tracked"] == 1


def test_buffers_and_frozen_parameters_follow_the_weights_device():
    module = residual_cnn()
    module[0].requires_grad_(False)
    target = uhn.adapt(module)
    weights = {name: weight.to("meta") for name, weight in drawn(target).items()}
    x = torch.randn(2, 1, 6, 6, device="meta")
    for y in (target.run(weights, x), target.run_many([weights], x), target.materialise(weights)(x)):
        assert y.device.type == "meta"
    assert {buffer.device.type for buffer in target.buffers.values()} == {"meta"}
    assert module[0].weight.device.type == module[1].running_mean.device.type == "cpu"


def test_types_are_the_modules():
    module = nn.Sequential(nn.Linear(3, 2).double(), nn.Linear(2, 2).bfloat16())
    target = uhn.adapt(module)
    generator = UHN(UHNConfig(index_frequencies=8, hidden_dim=4), target.ranges())
    weights = generator(target)
    assert [w.dtype for w in weights.values()] == [torch.float64] * 2 + [torch.bfloat16] * 2
    weights["0.weight"].sum().backward()
    assert generator.trunk.readout.weight.grad.abs().sum() > 0
    assert [p.dtype for p in target.materialise(weights).parameters()] == [w.dtype for w in weights.values()]


def test_saved_files_load_into_the_users_module(tmp_path):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.norm, self.readout = nn.Embedding(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 5)
            self.readout.weight = self.embedding.weight
            self.phase = nn.Parameter(torch.randn(2, dtype=torch.complex64))

        def forward(self, ids):
            return self.readout(self.norm(self.embedding(ids))) * self.phase.abs().sum()

    module, path = Model(), tmp_path / "new" / "weights.safetensors"
    target = uhn.adapt(module)
    weights = drawn(target)
    target.run(weights, torch.arange(5))
    target.save(weights, path)
    assert set(load_file(path)) == {*module.state_dict()} - {"readout.weight"}
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"format": "pt", "readout.weight": "embedding.weight"}
    fresh = Model()
    load_model(fresh, path)
    expected = target.eval().run(weights, torch.arange(5))
    torch.testing.assert_close(fresh.eval()(torch.arange(5)), expected)


def test_attention_and_recurrence_generate_into_slices():
    """Weights of a packed matrix come from three components, those of a recurrent one from its gates."""
    torch.manual_seed(0)
    target = uhn.adapt(nn.MultiheadAttention(4, 2))
    generator = UHN(UHNConfig(index_frequencies=8, hidden_dim=4), target.ranges())
    rows = torch.tensor(target.index_table())
    expected = generator.query(rows[:48]).view(12, 4)  # q, k and v in flattening order
    torch.testing.assert_close(generator(target)["in_proj_weight"], expected, rtol=1e-4, atol=1e-5)


def test_run_many_with_running_statistics_and_dropout():
    target = uhn.adapt(residual_cnn())
    sets, x = [drawn(target) for _ in range(3)], torch.randn(8, 1, 6, 6)
    sets = [{**sets[0], "0.weight": w["0.weight"]} for w in sets]
    before = {name: buffer.clone() for name, buffer in target.buffers.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert target.train().run_many(sets, x).shape == (3, 8, 3)
    assert all(torch.equal(target.buffers[name], buffer) for name, buffer in before.items())
    norm_only = uhn.adapt(nn.Sequential(nn.BatchNorm1d(4), nn.Linear(4, 2)))
    sets, x = [drawn(norm_only) for _ in range(3)], torch.randn(6, 4)
    together = norm_only.run_many(sets, x)
    torch.testing.assert_close(together, torch.stack([norm_only.run(w, x) for w in sets]))


def test_run_many_is_differentiable():
    target = uhn.adapt(nn.Linear(3, 2))
    scalars = torch.randn(2, 8, requires_grad=True)
    target.run_many([target.unflatten(row) for row in scalars], torch.ones(1, 3)).sum().backward()
    torch.testing.assert_close(scalars.grad, torch.ones(2, 8))


def test_where_vmap_has_no_rule_the_loop_is_said_once():
    target = uhn.adapt(nn.LSTM(3, 4))
    sets, x = [drawn(target) for _ in range(2)], torch.randn(5, 2, 3)
    with pytest.warns(UserWarning, match=r"one weight set after the other, torch\.func\.vmap fails: Batching rule"):
        together = target.run_many(sets, x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = target.run_many(sets, x)
    for position, weights in enumerate(sets):
        output, (hidden, _) = target.run(weights, x)
        for many in (together, again):
            torch.testing.assert_close((many[0][position], many[1][0][position]), (output, hidden))
    with pytest.raises(UserError, match="at least one weight set"):
        target.run_many([], x)


def test_an_error_of_the_module_is_its_own_in_run_many():
    target = uhn.adapt(nn.Linear(3, 2))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), warnings.catch_warnings():
        warnings.simplefilter("error")
        target.run_many([drawn(target)], torch.zeros(1, 4))


def test_repr_and_name():
    assert repr(uhn.adapt(nn.Linear(3, 2), name="mine")) == "AdaptedModel(mine: 1 layers, 8 scalars)"
    assert uhn.adapt(nn.Linear(3, 2)).name == "Linear"


def test_public_names_are_imported_when_used():
    code = "import sys, uhn; assert {'adapt', 'AdaptedModel'} <= set(dir(uhn)); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'adopt'"):
        _ = uhn.adopt


def test_type_checkers_see_the_public_names():
    stub = Path(uhn.__file__).with_name("__init__.pyi").read_text()
    assert all(f"import {name} as {name}\n" in stub for name in uhn._PUBLIC)


def test_trains_a_step():
    torch.manual_seed(0)
    target = uhn.adapt(residual_cnn())
    generator = UHN(UHNConfig(index_frequencies=64, hidden_dim=16), target.ranges())
    optimizer = torch.optim.Adam(generator.parameters(), 3e-3)
    x, labels = torch.randn(32, 1, 6, 6), torch.arange(32) % 3
    losses = []
    for _ in range(20):
        loss = nn.functional.cross_entropy(target.run(generator(target), x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
