"""Half precision: autocast stays near float32, and the loss scaler drives our AdamW as its definition says."""

from dataclasses import replace

import pytest
import torch
from tiny_runs import journal, tiny_run, train, train_and_evaluate
from torch import nn

from uhn.configuration.run import OptimizerConfig
from uhn.models.registry import build_model
from uhn.runs.folder import read_record
from uhn.training.fit import Fit, Progress
from uhn.training.initialise import statistics_loss
from uhn.training.optimizer import AdamW
from uhn.training.phases import Phase
from uhn.training.precision import autocast, make_scaler

CPU = torch.device("cpu")
ADAM = OptimizerConfig((0.9, 0.999), 1e-8, 0.0)


@pytest.mark.parametrize(
    ("setting", "variant"),
    [
        ("mnist_cnn8", "uhn"),
        ("cifar10_cnn20", "ha"),
        ("agnews_transformer2l", "uhn"),
        ("cora_gcn", "uhn"),
        ("pubmed_gat", "direct"),
        ("kan_kv", "uhn"),
        ("recursion_k1", "uhn"),
    ],
)
def test_bfloat16_on_a_cpu_begins_like_float32(at_home, tmp_path, setting, variant):
    """bfloat16 has 8 significant bits: losses of equal weights differ by a few parts in a thousand."""
    config = tiny_run(setting, variant, steps=3, init=2)
    curves = {}
    for precision in ("float32", "bfloat16"):
        run = replace(config, precision={"cpu": precision, "cuda": precision})
        train_and_evaluate(run, tmp_path / precision)
        assert read_record(tmp_path / precision / "run.json", "run")["precision"] == precision
        curves[precision] = [entry["loss"] for entry in journal(tmp_path / precision)]
    full, half = curves.values()
    assert half == pytest.approx(full, rel=0.05)
    assert half != full


def generate_as_on_a_gpu(monkeypatch):
    """Generate through plain modules, which a CPU otherwise does for small tensors alone."""
    monkeypatch.setattr("uhn.hypernetworks.evaluation.network.FUSED_ROWS", 10**9)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize(
    ("setting", "variant"),
    [
        ("mnist_cnn8", "uhn"),
        ("cifar10_cnn20", "ha"),
        ("cifar10_cnn20", "chunked"),
        ("imdb_transformer1l", "uhn"),
        ("citeseer_gat", "uhn"),
        ("kan_kv", "uhn"),
        ("transformer_mixed", "uhn"),
        ("recursion_k1", "uhn"),
    ],
)
def test_generation_in_half_precision_begins_like_float32(at_home, tmp_path, monkeypatch, setting, variant, precision):
    """The arithmetic of a GPU with the loss scaler, on a CPU. Overflows may skip steps, so only beginnings compare."""
    generate_as_on_a_gpu(monkeypatch)
    config = tiny_run(setting, variant, steps=3, init=2)
    curves = {}
    for name in ("float32", precision):
        train(replace(config, precision={"cpu": name}), tmp_path / name)
        curves[name] = journal(tmp_path / name)
    full, half = curves.values()
    assert all(entry["loss"] is not None for entry in half)
    assert half[0]["loss"] == pytest.approx(full[0]["loss"], rel=0.1)
    assert [entry["loss"] for entry in half] != [entry["loss"] for entry in full]


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_products_are_rounded_and_nothing_else(precision):
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[precision]
    x = torch.ones(2, 2)
    with autocast(precision, CPU):
        assert (x @ x).dtype == dtype
        assert (x + x).dtype == torch.float32
    assert (x @ x).dtype == torch.float32


def test_initialisation_is_judged_in_float32():
    """In half precision (3e-4)^2 / 2 would be rounded by half of itself, (1e-4)^2 to zero."""
    target = build_model("kan_kv")
    vector = torch.full((target.num_params,), 1e-4, dtype=torch.float16)
    weights = target.unflatten(vector)
    exact = statistics_loss(target, {name: w.double() for name, w in weights.items()})
    assert statistics_loss(target, weights).item() == pytest.approx(exact.item(), rel=1e-6)


@pytest.mark.parametrize(("precision", "on"), [("float32", False), ("bfloat16", False), ("float16", True)])
def test_only_float16_scales_losses(precision, on):
    scaler = make_scaler(precision, CPU)
    assert scaler.is_enabled() == on
    if on:
        assert (scaler.get_scale(), scaler.get_growth_factor(), scaler.get_backoff_factor()) == (65_536, 2, 0.5)
        assert scaler.get_growth_interval() == 2000


class Weight(nn.Module):
    """A generator of one vector."""

    def __init__(self, *values):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(values))


class NoDraws:
    def state(self):
        return {}


class Entries(list):
    def write(self, **entry):
        self.append(entry)


def fit(generator, losses, precision, clip_norm=None, lr=0.1):
    """Take one step on each loss."""
    remaining = iter(losses)
    phase = Phase(
        "train",
        len(losses),
        lambda step: lr,
        (lambda module: next(remaining)(module.w),),
        NoDraws(),
        clip_norm=clip_norm,
    )
    loop = Fit(generator, [phase], ADAM, Entries(), Progress(), (), precision)
    scales = []

    def after_step():
        # the phase's end brings a fresh scaler
        scales.append(loop.scaler.get_scale() if loop.progress.phase == 0 else None)
        return True

    loop.run(after_step)
    return scales, loop


def test_a_good_scaled_step_is_the_float32_step():
    """Adam's first step moves each weight by the learning rate against its gradient's sign, whatever its size."""
    weights = {}
    for precision in ("float32", "float16"):
        generator = Weight(1.0, -2.0, 3.0)
        fit(generator, [lambda w: (w * torch.tensor([1e-3, -4.0, 0.5])).sum()] * 3, precision)
        weights[precision] = generator.w.detach()
    expected = torch.tensor([1.0 - 0.3, -2.0 + 0.3, 3.0 - 0.3])
    torch.testing.assert_close(weights["float32"], expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(weights["float16"], weights["float32"], rtol=1e-3, atol=1e-3)


def test_an_infinite_gradient_skips_the_step_and_halves_the_scale():
    generator = Weight(1.0, 2.0)
    good = lambda w: (3 * w).sum()  # noqa: E731

    def overflowing(w):
        """Finite loss 0, gradient 3e38 times the scale: infinite."""
        return ((w - w.detach()) * 3e38).sum()

    before = []
    losses = [good, lambda w: before.append(w.detach().clone()) or overflowing(w)]
    losses += [lambda w: before.append(w.detach().clone()) or good(w), good]
    scales, loop = fit(generator, losses, "float16")
    assert scales[:3] == [65_536, 32_768, 32_768]
    assert torch.equal(before[0], before[1])  # skipped
    assert torch.allclose(before[0], torch.tensor([0.9, 1.9]))
    # Adam has seen three gradients, all 3: three steps of the learning rate
    torch.testing.assert_close(generator.w.detach(), torch.tensor([0.7, 1.7]), rtol=1e-4, atol=1e-4)
    assert loop.progress.diverged is None


def test_moments_of_a_skipped_step_do_not_change():
    parameter = torch.ones(2, requires_grad=True)
    optimizer, scaler = AdamW([parameter], ADAM), torch.amp.GradScaler("cpu", init_scale=1024.0)
    for gradient in ([1.0, 1.0], [float("inf"), 1.0], [float("nan"), 1.0], [2.0, -1.0]):
        parameter.grad = torch.tensor(gradient) * scaler.scale(torch.ones(()))
        scaler.step(optimizer, 0.1)
        scaler.update()
        assert parameter.grad is None
    state = optimizer.state_dict()
    assert state["steps"][0].item() == 2
    torch.testing.assert_close(state["averages"][0], torch.tensor([0.09 + 0.2, 0.09 - 0.1]))
    assert scaler.get_scale() == 256


def test_the_scaler_halves_what_our_adamw_unscales():
    """Step by step equal to torch's own optimiser under torch's own scaler."""
    ours, theirs = (torch.ones(3, requires_grad=True) for _ in range(2))
    optimizer = AdamW([ours], ADAM)
    reference = torch.optim.AdamW([theirs], lr=0.05, betas=ADAM.betas, eps=ADAM.eps, weight_decay=0.0, fused=True)
    scalers = [torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2) for _ in range(2)]
    for step in range(8):
        gradient = torch.tensor([1.0, -0.5, 0.1 * step])
        if step in (2, 5):
            gradient[0] = float("inf")
        for parameter, scaler in zip((ours, theirs), scalers, strict=True):
            parameter.grad = gradient * scaler.get_scale()
            scaler.scale(torch.ones(()))  # as a loss would be
        scalers[0].step(optimizer, 0.05)
        scalers[1].step(reference)
        for scaler in scalers:
            scaler.update()
        assert torch.equal(ours, theirs)
        assert scalers[0].get_scale() == scalers[1].get_scale()


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_clipping_sees_the_gradient_without_its_scale(precision):
    """Gradient (3, 4) of norm 5, clipped to 1: (0.6, 0.8), where Adam's averages hold a tenth of it."""
    generator = Weight(1.0, 1.0)
    averages = []
    losses = [
        lambda w: (w * torch.tensor([3.0, 4.0])).sum(),
        lambda w: averages.append(loop_holder[0].optimizer.state_dict()["averages"][0].clone()) or (w * 0).sum(),
    ]
    loop_holder = []
    remaining = iter(losses)
    phase = Phase("train", 2, lambda _: 0.1, (lambda module: next(remaining)(module.w),), NoDraws(), clip_norm=1.0)
    entries = Entries()
    loop_holder.append(Fit(generator, [phase], ADAM, entries, Progress(), (), precision))
    loop_holder[0].run(lambda: True)
    torch.testing.assert_close(averages[0], torch.tensor([0.06, 0.08]), rtol=1e-4, atol=1e-6)
    assert entries[0]["gradient_norm"] == pytest.approx(5.0, rel=1e-4)


def test_a_gradient_below_the_limit_is_not_stretched():
    generator, entries = Weight(1.0, 1.0), Entries()
    phase = Phase("train", 1, lambda _: 0.1, (lambda module: module.w.sum() / 100,), NoDraws(), clip_norm=1.0)
    Fit(generator, [phase], replace(ADAM, betas=(0.0, 0.0)), entries, Progress()).run(lambda: True)
    assert entries[0]["gradient_norm"] == pytest.approx(0.01 * 2**0.5)


def test_a_loss_that_is_not_finite_is_divergence_also_under_scaling():
    """The scaler skips such a step for ever; the run must end all the same."""
    _, loop = fit(Weight(1.0), [lambda w: w.sum(), lambda w: w.sum() / 0, lambda w: w.sum()], "float16")
    assert loop.progress.diverged == "train step 1"


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize(
    ("setting", "variant"),
    [
        ("cifar10_cnn20", "uhn"),
        ("cifar10_cnn20", "ha"),
        ("cifar10_cnn20", "chunked"),
        ("agnews_transformer2l", "direct"),
        ("cora_gcn", "uhn"),
        ("pubmed_gat", "uhn"),
        ("kan_kv", "uhn"),
        ("cnn_mixed_width", "uhn"),
        ("multi_task", "uhn"),
        ("recursion_k1", "uhn"),
    ],
)
def test_runs_on_a_gpu_begin_like_on_the_cpu(at_home, tmp_path, setting, variant, precision):
    """Without dropout and augmentation, whose draws differ by device, in the initialisation and the first step."""
    config = replace(tiny_run(setting, variant, steps=3, init=2), precision={"cpu": "float32", "cuda": precision})
    train(config, tmp_path / "cpu")
    result = train_and_evaluate(config, tmp_path / "cuda", device="cuda")
    assert (result["status"], result["cost"]["device"]) == ("completed", "cuda")
    assert read_record(tmp_path / "cuda/run.json", "run")["precision"] == precision
    expected, found = ([entry["loss"] for entry in journal(tmp_path / name)] for name in ("cpu", "cuda"))
    assert len(found) == len(expected)
    assert found[0] == pytest.approx(expected[0], rel=0.02 if precision == "float32" else 0.1)


@pytest.mark.gpu
@pytest.mark.parametrize("setting", ["mnist_cnn8", "cora_gcn"])
def test_a_run_on_a_gpu_resumes_exactly(at_home, tmp_path, monkeypatch, setting):
    from tiny_runs import interrupt_after, weights

    from uhn.training.runner import Interrupted

    config = tiny_run(setting, "uhn", steps=6, init=3)
    train(config, tmp_path / "whole", device="cuda")
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        interrupt_after(patch, 5)
        train(config, tmp_path / "parts", device="cuda")
    train(config, tmp_path / "parts", device="cuda", resume=True)
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
    assert journal(tmp_path / "parts") == journal(tmp_path / "whole")
