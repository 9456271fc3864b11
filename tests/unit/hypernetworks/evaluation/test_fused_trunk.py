"""The fused trunk against the modules it replaces: a UHN's trunk, and that of a generated UHN."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.func import functional_call

from uhn.hypernetworks.evaluation.fused_trunk import ResidualStack, fused_trunk, tape_bytes
from uhn.hypernetworks.uhn import Trunk
from uhn.layers.activation import LEAKY_RELU
from uhn.layers.functional import NORM_EPS
from uhn.models.generated_uhn import GeneratedTrunk, GeneratedUHNConfig


class Plain(nn.Module):
    """The oracle: the trunk itself, behind its first layer."""

    def __init__(self, width, blocks, dtype=torch.float64):
        super().__init__()
        self.trunk = Trunk(1, width, blocks).to(dtype)
        self.trunk.first = nn.Identity()
        for name, parameter in self.trunk.named_parameters():
            if "norm" in name:  # away from the neutral gain 1, bias 0
                nn.init.normal_(parameter, mean=float(name.endswith("weight")), std=0.5)

    def forward(self, h, conditioning, **_):
        return self.trunk(h, conditioning)


class Fused(Plain):
    def forward(self, h, conditioning, **options):
        return fused_trunk(h, self.trunk.residual_stack(), conditioning, **options)


def make_case(rows, width, blocks, with_conditioning=True, dtype=torch.float64):
    """Build both modules, with equal parameters, and inputs."""
    torch.manual_seed(0)
    plain, fused = Plain(width, blocks, dtype), Fused(width, blocks, dtype)
    fused.load_state_dict(plain.state_dict())
    h = torch.randn(rows, width, dtype=dtype)
    conditioning = torch.randn(1, width, dtype=dtype) if with_conditioning else None
    return plain, fused, h, conditioning


def run(module, h, conditioning, frozen=(), **options):
    """Compute the values and, by name, the gradients of a random functional of them."""
    h = h.clone().requires_grad_("h" not in frozen)
    conditioning = None if conditioning is None else conditioning.clone().requires_grad_("conditioning" not in frozen)
    module.zero_grad()
    values = module(h, conditioning, **options)
    values.backward(torch.randn(len(h), dtype=torch.float64, generator=torch.Generator().manual_seed(1)).to(h))
    grads = {name: parameter.grad for name, parameter in module.named_parameters()}
    return {
        "values": values.detach(),
        **grads,
        "h": h.grad,
        "conditioning": None if conditioning is None else conditioning.grad,
    }


def largest_error(actual, expected):
    """Return the largest relative error, in norm, over all tensors of two runs."""
    assert actual.keys() == expected.keys()
    assert {name for name in actual if actual[name] is None} == {name for name in actual if expected[name] is None}
    return max(
        float((actual[name].double() - expected[name]).norm() / expected[name].norm().clamp_min(1e-300))
        for name in actual
        if actual[name] is not None
    )


def saved_bytes(compute, but_not):
    """Count the bytes of distinct memory that a computation saves for its backward pass."""
    known = {tensor.untyped_storage().data_ptr() for tensor in but_not}
    saved = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        output = compute()
    return sum(size for address, size in saved.items() if address not in known), output


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("with_conditioning", [False, True])
@pytest.mark.parametrize("blocks", range(4))
@pytest.mark.parametrize("rows", [1, 5, 2048, 4099])
def test_equals_the_module(rows, blocks, with_conditioning, recompute):
    plain, fused, h, conditioning = make_case(rows, 16, blocks, with_conditioning)
    expected = run(plain, h, conditioning)
    assert largest_error(run(fused, h, conditioning, recompute=recompute), expected) <= 1e-12


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(0, 40),
    width=st.integers(1, 12),
    blocks=st.integers(0, 3),
    chunk_rows=st.integers(1, 50),
    with_conditioning=st.booleans(),
    recompute=st.booleans(),
)
def test_any_shape(rows, width, blocks, chunk_rows, with_conditioning, recompute):
    plain, fused, h, conditioning = make_case(rows, width, blocks, with_conditioning)
    actual = run(fused, h, conditioning, chunk_rows=chunk_rows, recompute=recompute)
    for name, expected in run(plain, h, conditioning).items():
        torch.testing.assert_close(actual[name], expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_gradcheck_of_non_leaf_parameters(blocks, recompute):
    _, fused, h, conditioning = make_case(5, 4, blocks)
    names, parameters = zip(*fused.named_parameters(), strict=True)

    def compute(h, conditioning, *roots):
        weights = {name: 2 * root for name, root in zip(names, roots, strict=True)}
        return functional_call(fused, weights, (h, conditioning), {"chunk_rows": 2, "recompute": recompute})

    leaves = [tensor.detach().requires_grad_() for tensor in (h, conditioning, *parameters)]
    assert torch.autograd.gradcheck(compute, leaves)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("with_conditioning", [False, True])
def test_float32_is_within_rounding_of_float64(with_conditioning, recompute):
    # Few enough elements that no rectifier is so close to zero that rounding flips it.
    plain, fused, h, conditioning = make_case(300, 32, 2, with_conditioning, torch.float32)
    narrow = run(fused, h, conditioning, chunk_rows=128, recompute=recompute)
    exact = run(plain.double(), h.double(), None if conditioning is None else conditioning.double())
    assert largest_error(narrow, exact) <= 2e-6


def test_bfloat16_products_are_coarse():
    plain, fused, h, conditioning = make_case(2048, 128, 2, dtype=torch.float32)
    coarse = run(fused, h, conditioning, matmul_dtype=torch.bfloat16)
    exact = run(plain, h, conditioning)
    errors = {name: float((coarse[name] - exact[name]).norm() / exact[name].norm()) for name in coarse}
    assert 1e-3 < errors["values"] < 2e-2
    assert 1e-2 < errors["h"] < 0.2
    assert all(error < 0.2 for error in errors.values())


FREEZABLE = ["h", "conditioning", *dict(Plain(2, 2).named_parameters())]


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("only", FREEZABLE)
def test_a_single_input_that_requires_a_gradient(only, recompute):
    plain, fused, h, conditioning = make_case(7, 6, 2)
    for module in (plain, fused):
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(name == only)
    frozen = {"h", "conditioning"} - {only}
    actual = run(fused, h, conditioning, frozen, chunk_rows=3, recompute=recompute)
    assert [name for name, value in actual.items() if value is not None] == ["values", only]
    assert largest_error(actual, run(plain, h, conditioning, frozen)) <= 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("rows, width, blocks", [(1, 3, 0), (5, 8, 1), (100, 7, 2), (33, 16, 3)])
def test_tape_bytes_are_what_is_saved(rows, width, blocks, recompute, dtype):
    _, fused, h, conditioning = make_case(rows, width, blocks, dtype=dtype)
    h.requires_grad_()
    saved, output = saved_bytes(
        lambda: fused(h, conditioning, chunk_rows=16, recompute=recompute), [conditioning, *fused.parameters()]
    )
    assert output.requires_grad
    assert saved == tape_bytes(rows, width, blocks, dtype, recompute=recompute)


def test_no_tape_without_gradients():
    _, fused, h, conditioning = make_case(9, 4, 2)
    expected = fused(h, conditioning)
    with torch.no_grad():
        saved, under_no_grad = saved_bytes(lambda: fused(h, conditioning), [])
    assert saved == 0 and under_no_grad.grad_fn is None
    saved, frozen = saved_bytes(lambda: fused.requires_grad_(False)(h, conditioning), [])
    assert saved == 0 and frozen.grad_fn is None
    assert torch.equal(under_no_grad, expected) and torch.equal(frozen, expected)


def test_repeated_backward_gives_the_same_gradients():
    _, fused, h, conditioning = make_case(9, 4, 2)
    h.requires_grad_()
    values = fused(h, conditioning, chunk_rows=4).sum()
    first = torch.autograd.grad(values, [h, *fused.parameters()], retain_graph=True)
    second = torch.autograd.grad(values, [h, *fused.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_second_derivatives_are_refused():
    _, fused, h, conditioning = make_case(3, 4, 1)
    (grad,) = torch.autograd.grad(fused(h.requires_grad_(), conditioning).square().sum(), h, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()


def test_inputs_need_not_be_contiguous():
    plain, fused, h, conditioning = make_case(6, 6, 2)
    assert largest_error(run(fused, h.t(), conditioning), run(plain, h.t(), conditioning)) <= 1e-12


def test_autocast_changes_nothing():
    _, fused, h, conditioning = make_case(9, 4, 2, dtype=torch.float32)
    expected = run(fused, h, conditioning)
    with torch.autocast("cpu", torch.bfloat16):
        actual = run(fused, h, conditioning)
    assert all(torch.equal(actual[name], expected[name]) for name in expected)


@pytest.mark.gpu
@pytest.mark.parametrize("recompute", [False, True])
def test_equals_the_module_on_cuda(recompute):
    plain, fused, h, conditioning = make_case(4099, 16, 2)
    expected = run(plain, h, conditioning)
    on_device = run(fused.cuda(), h.cuda(), conditioning.cuda(), recompute=recompute)
    assert largest_error({name: value.cpu() for name, value in on_device.items()}, expected) <= 1e-12


def test_mistakes_are_named():
    _, fused, h, conditioning = make_case(3, 4, 1)
    with pytest.raises(ValueError, match=r"h has shape \(3, 3\): expected \(rows, 4\)"):
        fused(h[:, :3], conditioning)
    with pytest.raises(ValueError, match=r"conditioning has shape \(4,\): expected \(1, 4\)"):
        fused(h, conditioning[0])
    with pytest.raises(ValueError, match="chunk_rows is 0"):
        fused(h, conditioning, chunk_rows=0)
    with pytest.raises(TypeError, match=r"h is torch\.float32, conditioning and stack are torch\.float64"):
        fused(h.float(), conditioning)


def generated_trunk(rows, width, blocks):
    """The trunk of a generated UHN, with h and a conditioning vector."""
    torch.manual_seed(0)
    trunk = GeneratedTrunk(GeneratedUHNConfig(hidden_dim=width, blocks=blocks)).double()
    h, conditioning = torch.randn(rows, width, dtype=torch.float64), torch.randn(1, width, dtype=torch.float64)
    return trunk, h.requires_grad_(), conditioning.requires_grad_()


def stack_of(parameters):
    """Group weights and biases, layer by layer, readout last, into a stack."""
    pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
    layers = tuple((None, None, weight, bias) for weight, bias in pairs[:-1])
    return ResidualStack(layers, pairs[-1], eps=(NORM_EPS,) * len(layers), span=1, slope=LEAKY_RELU.param)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("blocks", range(3))
@pytest.mark.parametrize("rows", [1, 5, 2048, 4099])
def test_equals_a_generated_trunk(rows, blocks, recompute):
    trunk, h, conditioning = generated_trunk(rows, 16, blocks)
    inputs = [h, conditioning, *trunk.parameters()]
    grad = torch.randn(rows, dtype=torch.float64)
    expected = trunk(h, conditioning)
    actual = fused_trunk(h, stack_of(list(trunk.parameters())), conditioning, recompute=recompute)
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-12)
    gradients = (torch.autograd.grad(values, inputs, grad) for values in (actual, expected))
    for found, correct in zip(*gradients, strict=True):
        assert (found - correct).norm() <= 1e-12 * correct.norm()


@pytest.mark.parametrize("recompute", [False, True])
def test_gradcheck_of_a_generated_trunk(recompute):
    trunk, h, conditioning = generated_trunk(5, 4, 1)

    def compute(h, conditioning, *roots):
        stack = stack_of([2 * root for root in roots])
        return fused_trunk(h, stack, conditioning, chunk_rows=2, recompute=recompute)

    leaves = [tensor.detach().requires_grad_() for tensor in (h, conditioning, *trunk.parameters())]
    assert torch.autograd.gradcheck(compute, leaves)
