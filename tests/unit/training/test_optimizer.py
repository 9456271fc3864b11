"""Our AdamW against torch's, step by step."""

import copy

import pytest
import torch

from uhn.experiments.config import OptimizerConfig
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
