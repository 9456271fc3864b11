"""PCGrad in the plane, worked by hand, and against the algorithm on the vectors themselves."""

import itertools

import pytest
import torch

from uhn.training.gradient_surgery import combine_gradients, set_gradients, take_gradients


def combine(*gradients, seed=0):
    tasks = [[torch.tensor(g, dtype=torch.float64)] for g in gradients]
    (combined,) = combine_gradients(tasks, torch.Generator().manual_seed(seed))
    return combined.tolist()


def project_in_order(vectors, orders):
    """Algorithm 1 of Yu et al. with given orders."""
    total = torch.zeros_like(vectors[0])
    for task, order in enumerate(orders):
        projected = vectors[task].clone()
        for other in order:
            inner = projected @ vectors[other]
            if other != task and inner < 0:
                projected -= inner / (vectors[other] @ vectors[other]) * vectors[other]
        total += projected
    return total


def test_two_conflicting_gradients():
    """(1, 0) against (-1, 1): (1/2, 1/2) and (0, 1) remain."""
    assert combine([1.0, 0.0], [-1.0, 1.0]) == pytest.approx([0.5, 1.5])


def test_each_is_projected_on_the_normal_plane_of_the_other():
    """(2, 1) against (-1, 0): (0, 1), and (-1, 0) + 2/5 (2, 1) = (-1/5, 2/5)."""
    assert combine([2.0, 1.0], [-1.0, 0.0]) == pytest.approx([-0.2, 1.4])


@pytest.mark.parametrize("other", [[0.0, 3.0], [1.0, 1.0], [0.0, 0.0]])
def test_without_conflict_gradients_are_added(other):
    assert combine([1.0, 0.0], other) == [1.0 + other[0], other[1]]


def test_opposite_gradients_cancel():
    assert combine([1.0, 2.0], [-2.0, -4.0]) == pytest.approx([0.0, 0.0])


def test_one_task_is_untouched():
    assert combine([3.0, -1.0]) == [3.0, -1.0]


def test_three_tasks_in_some_order_of_the_algorithm():
    generator = torch.Generator().manual_seed(5)
    vectors = torch.randn(3, 2, dtype=torch.float64, generator=generator)
    vectors[2] = -vectors[0] - 0.5 * vectors[1]  # conflicts for certain
    possible = [
        project_in_order(vectors, orders) for orders in itertools.product(itertools.permutations(range(3)), repeat=3)
    ]
    results = {tuple(combine(*vectors.tolist(), seed=seed)) for seed in range(20)}
    assert len(results) > 1
    for result in results:
        assert min((torch.tensor(result, dtype=torch.float64) - p).abs().max() for p in possible) < 1e-12


def test_the_seed_decides():
    vectors = torch.randn(6, 4, generator=torch.Generator().manual_seed(0)).tolist()
    assert combine(*vectors, seed=1) == combine(*vectors, seed=1)
    assert combine(*vectors, seed=1) != combine(*vectors, seed=2)


def test_conflict_is_judged_over_all_parameters():
    """Opposed in the first parameter, but the inner product over both is positive: 2 * 2 - 1 > 0."""
    first = [torch.tensor([1.0]), torch.tensor([[2.0]])]
    second = [torch.tensor([-1.0]), torch.tensor([[2.0]])]
    combined = combine_gradients([first, second], torch.Generator())
    assert [g.tolist() for g in combined] == [[0.0], [[4.0]]]
    assert [g.dtype for g in combined] == [torch.float32] * 2


def test_gradients_are_taken_from_the_parameters_and_given_back():
    used, unused = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    (2 * used).sum().backward()
    gradients = take_gradients([used, unused])
    assert [gradient.tolist() for gradient in gradients] == [[2.0, 2.0], [0.0, 0.0, 0.0]]
    assert used.grad is None and unused.grad is None
    set_gradients([used, unused], gradients)
    assert used.grad is gradients[0] and unused.grad is gradients[1]
