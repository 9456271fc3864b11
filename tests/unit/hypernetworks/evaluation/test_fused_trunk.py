"""The fused trunk against the module it replaces."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.func import functional_call

from uhn.hypernetworks.evaluation.fused_trunk import fused_trunk, tape_bytes
from uhn.hypernetworks.trunk import Trunk


class Plain(nn.Module):
    """The oracle: the trunk itself, behind its first layer."""

    def __init__(self, width, blocks, dtype=torch.float64):
        super().__init__()
        self.trunk = Trunk(1, width, blocks).to(dtype)
        self.trunk.first = nn.Identity()
        for name, parameter in self.trunk.named_parameters():
            if "norm" in name:  # away from the neutral gain 1, bias 0
                nn.init.normal_(parameter, mean=float(name.endswith("weight")), std=0.5)

    def forward(self, h, structure, **_):
        return self.trunk(h, structure)


class Fused(Plain):
    def forward(self, h, structure, **options):
        return fused_trunk(h, self.trunk, structure, **options)


def make_case(rows, width, blocks, with_structure=True, dtype=torch.float64):
    """Build both modules, with equal parameters, and inputs."""
    torch.manual_seed(0)
    plain, fused = Plain(width, blocks, dtype), Fused(width, blocks, dtype)
    fused.load_state_dict(plain.state_dict())
    h = torch.randn(rows, width, dtype=dtype)
    structure = torch.randn(1, width, dtype=dtype) if with_structure else None
    return plain, fused, h, structure


def run(module, h, structure, frozen=(), **options):
    """Compute the values and, by name, the gradients of a random functional of them."""
    h = h.clone().requires_grad_("h" not in frozen)
    structure = None if structure is None else structure.clone().requires_grad_("structure" not in frozen)
    module.zero_grad()
    values = module(h, structure, **options)
    values.backward(torch.randn(len(h), dtype=torch.float64, generator=torch.Generator().manual_seed(1)).to(h))
    grads = {name: parameter.grad for name, parameter in module.named_parameters()}
    return {"values": values.detach(), **grads, "h": h.grad, "structure": None if structure is None else structure.grad}


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
@pytest.mark.parametrize("with_structure", [False, True])
@pytest.mark.parametrize("blocks", range(4))
@pytest.mark.parametrize("rows", [1, 5, 2048, 4099])
def test_equals_the_module(rows, blocks, with_structure, recompute):
    plain, fused, h, structure = make_case(rows, 16, blocks, with_structure)
    expected = run(plain, h, structure)
    assert largest_error(run(fused, h, structure, recompute=recompute), expected) <= 1e-12


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(0, 40),
    width=st.integers(1, 12),
    blocks=st.integers(0, 3),
    chunk_rows=st.integers(1, 50),
    with_structure=st.booleans(),
    recompute=st.booleans(),
)
def test_any_shape(rows, width, blocks, chunk_rows, with_structure, recompute):
    plain, fused, h, structure = make_case(rows, width, blocks, with_structure)
    actual = run(fused, h, structure, chunk_rows=chunk_rows, recompute=recompute)
    for name, expected in run(plain, h, structure).items():
        torch.testing.assert_close(actual[name], expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_gradcheck_of_non_leaf_parameters(blocks, recompute):
    _, fused, h, structure = make_case(5, 4, blocks)
    names, parameters = zip(*fused.named_parameters(), strict=True)

    def compute(h, structure, *roots):
        weights = {name: 2 * root for name, root in zip(names, roots, strict=True)}
        return functional_call(fused, weights, (h, structure), {"chunk_rows": 2, "recompute": recompute})

    leaves = [tensor.detach().requires_grad_() for tensor in (h, structure, *parameters)]
    assert torch.autograd.gradcheck(compute, leaves)


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("with_structure", [False, True])
def test_float32_is_within_rounding_of_float64(with_structure, recompute):
    # Few enough elements that no rectifier is so close to zero that rounding flips it.
    plain, fused, h, structure = make_case(300, 32, 2, with_structure, torch.float32)
    narrow = run(fused, h, structure, chunk_rows=128, recompute=recompute)
    exact = run(plain.double(), h.double(), None if structure is None else structure.double())
    assert largest_error(narrow, exact) <= 2e-6


def test_bfloat16_products_are_coarse():
    plain, fused, h, structure = make_case(2048, 128, 2, dtype=torch.float32)
    coarse = run(fused, h, structure, matmul_dtype=torch.bfloat16)
    exact = run(plain, h, structure)
    errors = {name: float((coarse[name] - exact[name]).norm() / exact[name].norm()) for name in coarse}
    assert 1e-3 < errors["values"] < 2e-2
    assert 1e-2 < errors["h"] < 0.2
    assert all(error < 0.2 for error in errors.values())


FREEZABLE = ["h", "structure", *dict(Plain(2, 2).named_parameters())]


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("only", FREEZABLE)
def test_a_single_input_that_requires_a_gradient(only, recompute):
    plain, fused, h, structure = make_case(7, 6, 2)
    for module in (plain, fused):
        for name, parameter in module.named_parameters():
            parameter.requires_grad_(name == only)
    frozen = {"h", "structure"} - {only}
    actual = run(fused, h, structure, frozen, chunk_rows=3, recompute=recompute)
    assert [name for name, value in actual.items() if value is not None] == ["values", only]
    assert largest_error(actual, run(plain, h, structure, frozen)) <= 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("rows, width, blocks", [(1, 3, 0), (5, 8, 1), (100, 7, 2), (33, 16, 3)])
def test_tape_bytes_are_what_is_saved(rows, width, blocks, recompute, dtype):
    _, fused, h, structure = make_case(rows, width, blocks, dtype=dtype)
    h.requires_grad_()
    saved, output = saved_bytes(
        lambda: fused(h, structure, chunk_rows=16, recompute=recompute), [structure, *fused.parameters()]
    )
    assert output.requires_grad
    assert saved == tape_bytes(rows, width, blocks, dtype, recompute=recompute)


def test_no_tape_without_gradients():
    _, fused, h, structure = make_case(9, 4, 2)
    expected = fused(h, structure)
    with torch.no_grad():
        saved, under_no_grad = saved_bytes(lambda: fused(h, structure), [])
    assert saved == 0 and under_no_grad.grad_fn is None
    saved, frozen = saved_bytes(lambda: fused.requires_grad_(False)(h, structure), [])
    assert saved == 0 and frozen.grad_fn is None
    assert torch.equal(under_no_grad, expected) and torch.equal(frozen, expected)


def test_repeated_backward_gives_the_same_gradients():
    _, fused, h, structure = make_case(9, 4, 2)
    h.requires_grad_()
    values = fused(h, structure, chunk_rows=4).sum()
    first = torch.autograd.grad(values, [h, *fused.parameters()], retain_graph=True)
    second = torch.autograd.grad(values, [h, *fused.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_second_derivatives_are_refused():
    _, fused, h, structure = make_case(3, 4, 1)
    (grad,) = torch.autograd.grad(fused(h.requires_grad_(), structure).square().sum(), h, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        grad.sum().backward()


def test_inputs_need_not_be_contiguous():
    plain, fused, h, structure = make_case(6, 6, 2)
    assert largest_error(run(fused, h.t(), structure), run(plain, h.t(), structure)) <= 1e-12


def test_autocast_changes_nothing():
    _, fused, h, structure = make_case(9, 4, 2, dtype=torch.float32)
    expected = run(fused, h, structure)
    with torch.autocast("cpu", torch.bfloat16):
        actual = run(fused, h, structure)
    assert all(torch.equal(actual[name], expected[name]) for name in expected)


@pytest.mark.gpu
@pytest.mark.parametrize("recompute", [False, True])
def test_equals_the_module_on_cuda(recompute):
    plain, fused, h, structure = make_case(4099, 16, 2)
    expected = run(plain, h, structure)
    on_device = run(fused.cuda(), h.cuda(), structure.cuda(), recompute=recompute)
    assert largest_error({name: value.cpu() for name, value in on_device.items()}, expected) <= 1e-12


def test_mistakes_are_named():
    _, fused, h, structure = make_case(3, 4, 1)
    with pytest.raises(ValueError, match=r"h has shape \(3, 3\): expected \(rows, 4\)"):
        fused(h[:, :3], structure)
    with pytest.raises(ValueError, match=r"structure has shape \(4,\): expected \(1, 4\)"):
        fused(h, structure[0])
    with pytest.raises(ValueError, match="chunk_rows is 0"):
        fused(h, structure, chunk_rows=0)
    with pytest.raises(TypeError, match=r"h is torch\.float32, structure and trunk are torch\.float64"):
        fused(h.float(), structure)
