"""The statistics loss against NumPy."""

import numpy as np
import pytest
import torch

from uhn.descriptors.vocabulary import DatasetType
from uhn.layers.linear import LinearLayer
from uhn.models.cnn import MLP, MLPConfig
from uhn.models.registry import build_model
from uhn.training.initialise import statistics_loss

# mean and std targets of KAN [2, 5, 1], grid 5, written out from the paper's rules
U2, U5, LN2 = 1 / np.sqrt(6), 1 / np.sqrt(15), np.log(2)
TARGETS = [
    ("blocks.0.base_weight", 0, U2),
    ("blocks.0.base_bias", 0, 0),
    ("blocks.0.spline_weight", 0, 0.1),
    ("blocks.0.spline_scale", 0, U2),
    ("blocks.0.grid_lower", -1, 0),
    ("blocks.0.grid_length", LN2, 0),
    ("blocks.0.grid_knots", 0, 0),
    ("blocks.1.base_weight", 0, U5),
    ("blocks.1.base_bias", 0, 0),
    ("blocks.1.spline_weight", 0, 0.1),
    ("blocks.1.spline_scale", 0, U5),
    ("blocks.1.grid_lower", -1, 0),
    ("blocks.1.grid_length", LN2, 0),
    ("blocks.1.grid_knots", 0, 0),
]


def test_equals_numpy():
    model = build_model("kan_kv").double()
    vector = torch.randn(254, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weights = model.unflatten(vector)
    assert list(weights) == [name for name, _, _ in TARGETS]
    terms = [
        (weights[name].numpy().mean() - mean) ** 2 + (weights[name].numpy().std() - std) ** 2
        for name, mean, std in TARGETS
    ]
    assert statistics_loss(model, weights).item() == pytest.approx(sum(terms) / (2 * 14), rel=1e-12)


def test_a_single_scalar_has_no_std_gradient():
    model = build_model("kan_kv").double()
    vector = torch.randn(254, dtype=torch.float64, requires_grad=True)
    weights = model.unflatten(vector)
    statistics_loss(model, weights).backward()
    assert vector.grad.isfinite().all()
    position = 133 + 5  # second layer, after its five base weights: the one base bias
    assert vector.grad[position].item() == pytest.approx(2 * vector[position].item() / 28)


def test_a_switched_off_bias_does_not_count():
    target = MLP("one layer", MLPConfig(DatasetType.MNIST, sizes=(4, 3)))
    target.blocks[0] = LinearLayer(4, 3, bias=False)
    assert target.num_params == 12
    weights = target.unflatten(torch.full((12,), 2.0, dtype=torch.float64))
    # mean 2 against 0 and std 0 against 1 / sqrt(3 * 4), over one component
    assert statistics_loss(target, weights).item() == pytest.approx((4 + 1 / 12) / 2)


def test_initialisation_is_judged_in_float32():
    """In half precision (3e-4)^2 / 2 would be rounded by half of itself, (1e-4)^2 to zero."""
    target = build_model("kan_kv")
    vector = torch.full((target.num_params,), 1e-4, dtype=torch.float16)
    weights = target.unflatten(vector)
    exact = statistics_loss(target, {name: w.double() for name, w in weights.items()})
    assert statistics_loss(target, weights).item() == pytest.approx(exact.item(), rel=1e-6)


# Smallest and largest initial loss that runs of the authors' release showed.
MNIST_SIZES = {"index_frequencies": 1024, "hidden_dim": 64}
PUBLISHED = {
    "kan_kv": ({}, 0.15, 0.28),
    "mnist_cnn8": (MNIST_SIZES, 0.03, 0.05),
    "mnist_mlp": (MNIST_SIZES, 0.03, 0.05),
    "pubmed_gcn": ({}, 0.04, 0.14),
}


@pytest.mark.parametrize("name", [n if n == "kan_kv" else pytest.param(n, marks=pytest.mark.slow) for n in PUBLISHED])
def test_initial_loss_of_a_fresh_uhn_is_in_the_published_range(name):
    from uhn.configuration.generators import UHNConfig
    from uhn.hypernetworks.uhn import UHN

    sizes, lowest, highest = PUBLISHED[name]
    model = build_model(name)
    losses = []
    for seed in range(4):
        torch.manual_seed(seed)
        uhn = UHN(UHNConfig(**sizes), model.ranges())
        with torch.no_grad():
            losses.append(statistics_loss(model, uhn(model)).item())
    assert lowest <= np.mean(losses) <= highest
