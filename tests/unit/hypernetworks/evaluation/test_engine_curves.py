"""Two hundred optimiser steps through the structured evaluation follow those through explicit features."""

import pytest
import torch

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.configuration.run import OptimizerConfig
from uhn.hypernetworks.uhn import UHN
from uhn.models.registry import build_model
from uhn.training.initialise import statistics_loss
from uhn.training.optimizer import AdamW

CONFIG = UHNConfig(index_frequencies=256, hidden_dim=32)


def curve(name, route):
    """Losses of 200 initialisation steps from one seed."""
    target = build_model(name)
    torch.manual_seed(0)
    generator = UHN(CONFIG, target.ranges(), GenerationConfig(first_layer=route))
    routes = {report.route for report in generator.plan_of(target).report()}
    assert ("structured" in routes) == (route == "structured")
    optimizer = AdamW(generator.parameters(), OptimizerConfig((0.9, 0.999), 1e-8, 0.0))
    losses = []
    for _ in range(200):
        loss = statistics_loss(target, generator(target))
        loss.backward()
        optimizer.step(5e-4)
        losses.append(loss.item())
    return torch.tensor(losses)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mnist_mlp", "mnist_cnn8", "pubmed_gcn"])
def test_curves_are_indistinguishable(name):
    exact, fast, other = curve(name, "dense"), curve(name, "structured"), curve(name, "separable")
    assert exact[-1] < 0.1 * exact[0]
    # two exact evaluations in float32 drift apart too; the structured one may not drift ten times as far
    rounding = ((other - exact).abs() / exact).mean()
    drift = ((fast - exact).abs() / exact).mean()
    assert drift < max(10 * rounding, 1e-3)
