"""Run a layer with given float64 weights and compare it with a reference operator, forward and backward."""

import torch
from torch.func import functional_call


def random_weights(layer, seed=0):
    """Random float64 tensors for all components of a layer, as leaves that take gradients."""
    generator = torch.Generator().manual_seed(seed)
    return {
        c.name: torch.randn(c.shape, generator=generator, dtype=torch.float64).mul(0.5).requires_grad_()
        for c in layer.components()
    }


def random_input(*shape, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()


def assert_equivalent(layer, weights, inputs, reference, *, constants=()):
    """Compare outputs, and gradients of a random projection, to inputs and to every weight.

    The layer's own parameters must play no part: they are set to NaN.
    """
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(torch.nan)
    layer.eval()
    leaves = [tensor for tensor in (*inputs, *weights.values()) if tensor.requires_grad and tensor.numel()]
    found = functional_call(layer, weights, (*inputs, *constants), strict=True)
    expected = reference(*inputs, **weights)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    direction = random_input(*found.shape, seed=2).detach()
    found_grads = torch.autograd.grad((found * direction).sum(), leaves)
    expected_grads = torch.autograd.grad((expected * direction).sum(), leaves)
    for ours, theirs in zip(found_grads, expected_grads, strict=True):
        assert ours.abs().max() > 0
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)
