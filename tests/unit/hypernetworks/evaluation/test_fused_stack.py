"""The fused trunk of a generated UHN against the module it replaces."""

import pytest
import torch

from uhn.hypernetworks.evaluation.fused_trunk import ResidualStack, fused_stack
from uhn.layers.activation import LEAKY_RELU
from uhn.layers.functional import NORM_EPS
from uhn.models.generated_uhn import GeneratedTrunk, GeneratedUHNConfig


def make_case(rows, width, blocks, dtype=torch.float64):
    torch.manual_seed(0)
    trunk = GeneratedTrunk(GeneratedUHNConfig(hidden_dim=width, blocks=blocks)).to(dtype)
    return trunk, torch.randn(rows, width, dtype=dtype), torch.randn(1, width, dtype=dtype)


def stack_of(parameters):
    """Group weights and biases, layer by layer, readout last, into a stack."""
    pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
    layers = tuple((None, None, weight, bias) for weight, bias in pairs[:-1])
    return ResidualStack(layers, pairs[-1], eps=(NORM_EPS,) * len(layers), span=1, slope=LEAKY_RELU.param)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("blocks", range(3))
@pytest.mark.parametrize("rows", [1, 5, 2048, 4099])
def test_equals_the_module(rows, blocks, recompute):
    trunk, h, structure = make_case(rows, 16, blocks)
    inputs = [h.requires_grad_(), structure.requires_grad_(), *trunk.parameters()]
    grad = torch.randn(rows, dtype=torch.float64)
    expected = trunk(h, structure)
    actual = fused_stack(h, stack_of(list(trunk.parameters())), structure, recompute=recompute)
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)
    pairs = zip(torch.autograd.grad(actual, inputs, grad), torch.autograd.grad(expected, inputs, grad), strict=True)
    for found, wanted in pairs:
        assert (found - wanted).norm() <= 1e-12 * wanted.norm()


@pytest.mark.parametrize("recompute", [False, True])
def test_gradcheck_of_non_leaf_parameters(recompute):
    trunk, h, structure = make_case(5, 4, 1)

    def compute(h, structure, *roots):
        return fused_stack(h, stack_of([2 * root for root in roots]), structure, chunk_rows=2, recompute=recompute)

    leaves = [tensor.detach().requires_grad_() for tensor in (h, structure, *trunk.parameters())]
    assert torch.autograd.gradcheck(compute, leaves)
