"""What does not fit the memory budget is recomputed, and no more than that."""

import pytest
import torch

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.hypernetworks import uhn as uhn_module
from uhn.hypernetworks.evaluation import OperatorStack
from uhn.hypernetworks.evaluation.dense import DenseOperator
from uhn.hypernetworks.uhn import UHN, _Queries
from uhn.models.registry import build_model


def stack(*sizes):
    return OperatorStack([DenseOperator(torch.zeros(n, 2)) for n in sizes], torch.arange(sum(sizes)))


@pytest.mark.parametrize(
    ("sizes", "fits", "groups", "recomputed"),
    [
        ((100,), 100, [100], 0),
        ((60, 40), 100, [100], 0),
        ((60, 41), 100, [10] * 6 + [10] * 4 + [1], 1),  # 91 of 101 rows fit in whole groups
        ((60, 41), 50, [10] * 10 + [1], 6),
        ((60, 41), 5, [5] * 20 + [1], 20),
        ((101,), 1, [1] * 101, 100),
    ],
)
def test_the_last_groups_are_kept(sizes, fits, groups, recomputed, monkeypatch):
    monkeypatch.setattr(uhn_module, "GROUP_ROWS", 10)
    queries = _Queries.from_stack(stack(*sizes), fits)
    assert [sum(operator.rows for operator in group) for group in queries.groups] == groups
    assert queries.recomputed == recomputed


def test_each_group_is_evaluated_once_or_twice(monkeypatch):
    """Once for the forward pass; once more for the backward pass where nothing was kept."""
    monkeypatch.setattr(uhn_module, "GROUP_ROWS", 2000)
    target = build_model("pubmed_gat")  # 33,779 scalars
    generator = UHN(UHNConfig(index_frequencies=4, hidden_dim=4), target.ranges(), GenerationConfig("dense"))
    monkeypatch.setattr(generator, "_rows_at_once", lambda: 10_000)
    calls = []
    evaluate = generator.from_operators
    monkeypatch.setattr(generator, "from_operators", lambda *args: calls.append(args[0]) or evaluate(*args))
    generator.generate_scalars(target).sum().backward()
    queries = generator._prepared[target].queries
    assert 0 < queries.recomputed < len(queries.groups)
    counts = [sum(call is group for call in calls) for group in queries.groups]
    assert counts == [2] * queries.recomputed + [1] * (len(counts) - queries.recomputed)
    kept = sum(operator.rows for group in queries.groups[queries.recomputed :] for operator in group)
    assert 8_000 < kept <= 10_000
