"""What does not fit the memory budget is recomputed, and no more than that."""

import pytest
import torch

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.descriptors.index import Axis, ComponentGrid, IndexField
from uhn.hypernetworks.evaluation import queries as queries_module
from uhn.hypernetworks.evaluation.dense import DenseOperator
from uhn.hypernetworks.evaluation.queries import cut_into_groups
from uhn.hypernetworks.evaluation.stack import OperatorStack, Segment
from uhn.hypernetworks.uhn import UHN
from uhn.models.registry import build_model


def stack(*sizes):
    grids = [ComponentGrid(0, 0, 0, (Axis(IndexField.OUT_IDX, n),)) for n in sizes]
    return OperatorStack([Segment(DenseOperator(torch.zeros(n, 2)), {i: grids[i]}) for i, n in enumerate(sizes)])


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
    monkeypatch.setattr(queries_module, "GROUP_ROWS", 10)
    found, num_recomputed = cut_into_groups(stack(*sizes), fits)
    assert [sum(operator.rows for operator in group) for group in found] == groups
    assert num_recomputed == recomputed


def test_each_group_is_evaluated_once_or_twice(monkeypatch):
    """Once for the forward pass; once more for the backward pass where nothing was kept."""
    monkeypatch.setattr(queries_module, "GROUP_ROWS", 2000)
    target = build_model("pubmed_gat")  # 33,779 scalars
    generator = UHN(UHNConfig(index_frequencies=4, hidden_dim=4), target.ranges(), GenerationConfig("dense"))
    monkeypatch.setattr(generator.engine, "_rows_at_once", lambda: 10_000)
    calls = []
    evaluate = queries_module.generate_rows

    def count(network, group, *rest, **options):
        calls.append(group)
        return evaluate(network, group, *rest, **options)

    monkeypatch.setattr(queries_module, "generate_rows", count)
    generator.generate_scalars(target).sum().backward()
    queries = generator.engine.prepare(target).queries
    assert 0 < queries.num_recomputed < len(queries.groups)
    counts = [sum(call is group for call in calls) for group in queries.groups]
    assert counts == [2] * queries.num_recomputed + [1] * (len(counts) - queries.num_recomputed)
    not_recomputed = sum(operator.rows for group in queries.groups[queries.num_recomputed :] for operator in group)
    assert 8_000 < not_recomputed <= 10_000
