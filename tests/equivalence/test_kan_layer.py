"""The KAN layer against SciPy's B-splines and a spelled-out sum, in float64, forward and gradient."""

import math

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline

from uhn.layers.activation import IDENTITY, SILU
from uhn.layers.kan import KANLayer, bspline_basis


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_basis_equals_scipy(order):
    rng = np.random.default_rng(order)
    knots = np.sort(rng.uniform(-1, 1, size=(2, 9)), axis=1)
    points = rng.uniform(-1.2, 1.2, size=(200, 2))
    ours = bspline_basis(torch.from_numpy(points), torch.from_numpy(knots), order).numpy()
    assert ours.shape == (200, 2, 9 - 1 - order)
    for column in range(2):
        for m in range(ours.shape[-1]):
            element = BSpline.basis_element(knots[column, m : m + order + 2], extrapolate=False)
            expected = np.nan_to_num(element(points[:, column]))
            np.testing.assert_allclose(ours[:, column, m], expected, atol=1e-12)


def test_basis_is_a_partition_of_unity_between_the_inner_knots():
    knots = torch.linspace(-1, 1, 12, dtype=torch.float64).expand(1, -1)
    inner = torch.linspace(knots[0, 3], knots[0, 8] - 1e-9, 50, dtype=torch.float64).unsqueeze(1)
    torch.testing.assert_close(bspline_basis(inner, knots, 3).sum(-1), torch.ones_like(inner))


def test_coinciding_knots_give_finite_values_and_gradients():
    knots = torch.tensor([[0.0, 0.5, 0.5, 0.5, 1.0]], dtype=torch.float64, requires_grad=True)
    x = torch.tensor([[0.25], [0.5], [0.75]], dtype=torch.float64)
    basis = bspline_basis(x, knots, 2)
    basis.sum().backward()
    assert basis.isfinite().all() and knots.grad.isfinite().all()
    assert basis[0, 0].tolist() == [0.25, 0.0]  # (x / 0.5)^2 on the first interval


def naive_layer(layer, x):
    """The layer's definition, scalar by scalar, with SciPy splines."""
    state = {name: p.detach().numpy() for name, p in layer.named_parameters()}
    softmax = np.exp(state["grid_knots"]) / np.exp(state["grid_knots"]).sum(axis=1, keepdims=True)
    grid = state["grid_lower"][:, None] + np.exp(state["grid_length"])[:, None] * np.cumsum(softmax, axis=1)
    k = layer.spline_order
    y = np.tile(state["base_bias"], (len(x), 1))
    for b, o, i in np.ndindex(len(x), layer.out_features, layer.in_features):
        value = x[b, i]
        activated = value / (1 + math.exp(-value)) if layer.activation is SILU else value
        y[b, o] += state["base_weight"][o, i] * activated
        for j in range(layer.grid_size + k):
            element = BSpline.basis_element(grid[i, j : j + k + 2], extrapolate=False)
            y[b, o] += state["spline_scale"][o, i] * state["spline_weight"][o, i, j] * np.nan_to_num(element(value))
    return y


@pytest.mark.parametrize("activation", [IDENTITY, SILU])
def test_forward_equals_the_definition(activation):
    torch.manual_seed(0)
    layer = KANLayer(2, 3, grid_size=4, spline_order=3, activation=activation).double()
    torch.nn.init.normal_(layer.grid_knots, std=0.3)
    x = torch.rand(7, 2, dtype=torch.float64) * 2 - 1
    np.testing.assert_allclose(layer(x).detach().numpy(), naive_layer(layer, x.numpy()), atol=1e-12)


def test_gradients():
    torch.manual_seed(1)
    layer = KANLayer(2, 2, grid_size=3, spline_order=3, activation=SILU).double()
    names = [c.name for c in layer.components()]
    values = [getattr(layer, name).detach().clone().requires_grad_() for name in names]
    x = torch.rand(5, 2, dtype=torch.float64)

    def run(*tensors):
        return torch.func.functional_call(layer, dict(zip(names, tensors, strict=True)), (x,))

    assert torch.autograd.gradcheck(run, values)


def test_knots_with_the_target_initialisation():
    layer = KANLayer(1, 1, grid_size=5, spline_order=3, activation=IDENTITY).double()
    expected = torch.tensor([[-1 + 2 * m / 12 for m in range(1, 13)]], dtype=torch.float64)
    torch.testing.assert_close(layer.grid(), expected, atol=1e-6, rtol=0)


def test_repr():
    layer = KANLayer(2, 5, grid_size=5, spline_order=3, activation=SILU)
    fields = "bias_type=1, output_size=5, input_size=2, activation_type=silu, grid_size=5, spline_order=3"
    assert repr(layer) == f"KANLayer({fields})"
