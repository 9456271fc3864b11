"""Our AdamW against torch's, step by step."""

import copy

import pytest
import torch

from uhn.configuration.run import OptimizerConfig
from uhn.training.optimizer import AdamW

ADAM = OptimizerConfig((0.9, 0.999), 1e-8, 0.0)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_equals_torch_bit_for_bit(weight_decay):
    torch.manual_seed(0)
    ours = torch.nn.Sequential(torch.nn.Linear(7, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    theirs = copy.deepcopy(ours)
    config = OptimizerConfig(betas=(0.9, 0.99), eps=1e-8, weight_decay=weight_decay)
    optimizer = AdamW(ours.parameters(), config)
    expected = torch.optim.AdamW(
        theirs.parameters(), betas=config.betas, eps=config.eps, weight_decay=weight_decay, fused=True
    )
    for step in range(20):
        x, lr = torch.randn(4, 7), 0.1 / (step + 1)
        expected.param_groups[0]["lr"] = lr
        for model in (ours, theirs):
            model(x).square().mean().backward()
        optimizer.step(lr)
        expected.step()
        expected.zero_grad()
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(a, b) and a.grad is None


def test_a_parameter_without_gradient_stays():
    used, unused = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    optimizer = AdamW([used, unused], OptimizerConfig((0.9, 0.999), 1e-8, 0.1))
    used.sum().backward()
    optimizer.step(0.1)
    assert not torch.equal(used, torch.ones(2)) and torch.equal(unused, torch.ones(2))


@pytest.mark.parametrize("clip", [False, True])
def test_a_scaler_drives_it_as_it_drives_torchs(clip):
    """Float16's way to train: unscaled in the step, or before it for clipping; an overflow skips the step."""
    torch.manual_seed(0)
    ours = torch.nn.Linear(7, 3)
    theirs = copy.deepcopy(ours)
    optimizer = AdamW(ours.parameters(), OptimizerConfig((0.9, 0.999), 1e-8, 0.0))
    expected = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.0, fused=True)
    scalers = [torch.amp.GradScaler("cpu"), torch.amp.GradScaler("cpu")]
    for step in range(5):
        x = torch.randn(4, 7) * (1e36 if step == 2 else 1.0)
        for model, optim, scaler in ((ours, optimizer, scalers[0]), (theirs, expected, scalers[1])):
            scaler.scale(model(x).mean()).backward()
            if clip:
                scaler.unscale_(optim)
                torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            scaler.step(optim, *([0.01] if model is ours else []))
            scaler.update()
        expected.zero_grad()
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(a, b)
    assert [scaler.get_scale() for scaler in scalers] == [32768.0] * 2


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
