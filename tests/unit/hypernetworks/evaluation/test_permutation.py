"""Rows in another order, with the gradients of torch's indexing."""

import torch

from uhn.hypernetworks.evaluation.permutation import Permutation


def test_rows_and_gradients_are_those_of_indexing():
    order, rows = torch.randperm(7), torch.randn(7, 3, dtype=torch.float64)
    upstream = torch.randn(7, 3, dtype=torch.float64)
    ours, theirs = (rows.clone().requires_grad_() for _ in range(2))
    found, expected = Permutation(order)(ours), theirs[order]
    assert torch.equal(found, expected)
    found.backward(upstream)
    expected.backward(upstream)
    assert torch.equal(ours.grad, theirs.grad)


def test_gradients_of_gradients():
    permutation = Permutation(torch.randperm(5))
    rows = torch.randn(5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: permutation(x) ** 3, rows)


def test_both_directions_count_as_kept():
    assert Permutation(torch.randperm(10)).nbytes == 2 * 10 * 8
