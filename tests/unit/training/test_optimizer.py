"""Our AdamW against torch's, step by step."""

import copy

import pytest
import torch

from uhn.configuration.run import OptimizerConfig
from uhn.training.optimizer import AdamW


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
