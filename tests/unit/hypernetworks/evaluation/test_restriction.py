"""Generating only the rows of a table that a batch reads: the same numbers and gradients, and less work."""

import pytest
import torch
from first_layer_plans import make_plan
from hypothesis import given, settings
from hypothesis import strategies as st

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.descriptors.index import Axis, ComponentGrid, IndexField, materialise_index_table
from uhn.descriptors.normalization import Normalizer
from uhn.descriptors.vocabulary import DatasetType
from uhn.hypernetworks.encodings import GaussianFourier
from uhn.hypernetworks.uhn import UHN
from uhn.models.registry import build_model
from uhn.models.transformer import Transformer, TransformerConfig

TABLE = "embedding.token"
WORDS, WIDTH = 61, 16
ROUTES = ["reference", "dense", "separable", "structured"]
FIELDS = (IndexField.OUT_IDX, IndexField.IN_IDX, IndexField.KERNEL_H_IDX)


def transformer():
    torch.manual_seed(0)
    config = TransformerConfig(DatasetType.AG_NEWS, 4, 12, (1,), width=WIDTH, vocabulary_size=WORDS, dropout=0.0)
    return Transformer("small", config).double()


def uhn(target, route, **options):
    torch.manual_seed(1)
    config = UHNConfig(index_frequencies=12, hidden_dim=8, blocks=1, structure_encoder=True)
    return UHN(config, target.ranges(), GenerationConfig(route, **options)).double()


def gradients(generator, loss):
    """Gradients of all parameters the loss depends on, in one vector."""
    generator.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in generator.parameters() if p.grad is not None])


def assert_same_on_rows(generator, target, kept):
    weights = generator(target)
    direction = {name: torch.randn_like(w) for name, w in weights.items()}
    mask = torch.zeros(WORDS, 1, dtype=torch.float64)
    mask[kept] = 1
    direction[TABLE] *= mask
    expected = gradients(generator, sum((w * direction[name]).sum() for name, w in weights.items()))

    found = generator(target, {TABLE: kept})
    assert found.keys() == weights.keys()
    for name, w in found.items():
        torch.testing.assert_close(w, weights[name] * mask if name == TABLE else weights[name], rtol=1e-11, atol=1e-13)
    # no mask: what is not generated has no gradient to give
    everywhere = direction | {TABLE: direction[TABLE] + (1 - mask)}
    actual = gradients(generator, sum((w * everywhere[name]).sum() for name, w in found.items()))
    torch.testing.assert_close(actual, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("count", [0, 1, 23, WORDS])
def test_values_and_gradients(route, count):
    target = transformer()
    kept = torch.randperm(WORDS)[:count].sort().values
    generator = uhn(target, route)
    plan = generator.plan_of(target)
    assert (plan.report()[0].route if plan else "reference") == route  # the table is the first component
    assert_same_on_rows(generator, target, kept)


@pytest.mark.parametrize("route", ["dense", "separable", "structured"])
def test_in_groups(route, monkeypatch):
    target = transformer()
    generator = uhn(target, route)
    monkeypatch.setattr(generator.engine, "_rows_at_once", lambda: 200)
    assert_same_on_rows(generator, target, torch.arange(0, WORDS, 2))


@settings(max_examples=20, deadline=None)
@given(kept=st.sets(st.integers(0, WORDS - 1), min_size=1), route=st.sampled_from(ROUTES))
def test_any_subset(kept, route):
    target = transformer()
    assert_same_on_rows(uhn(target, route), target, torch.tensor(sorted(kept)))


@settings(max_examples=40, deadline=None)
@given(
    extents=st.lists(st.integers(1, 24), min_size=1, max_size=3),
    route=st.sampled_from(["auto", "dense", "separable", "structured"]),
    data=st.data(),
)
def test_any_axis_of_a_plan_can_come_first(extents, route, data):
    """The restricted axis may be either axis of the gridded plane, or a slice."""
    first = [Axis(field, n) for field, n in zip(FIELDS, extents, strict=False)]
    grids = [ComponentGrid(0, 0, 0, tuple(first)), ComponentGrid(0, 0, 1, tuple(first[:1]))]
    table = materialise_index_table(grids)
    torch.manual_seed(0)
    normalizer, encoding = Normalizer(table.min(axis=0), table.max(axis=0)), GaussianFourier(10, 5, 100.0)
    plan = make_plan(grids, normalizer, encoding, route=route, dtype=torch.float64)
    kept = torch.tensor(sorted(data.draw(st.sets(st.integers(0, extents[0] - 1), min_size=1))))
    which = data.draw(st.sampled_from([0, 1]))

    length = len(grids[which])
    rows = torch.arange(length).view(extents[0], -1)[kept].flatten() + (len(grids[0]) if which else 0)
    other = torch.arange(len(grids[0])) if which else len(grids[0]) + torch.arange(len(grids[1]))
    chosen = torch.cat([other, rows] if which else [rows, other])

    weight = torch.randn(3, 10, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(3, dtype=torch.float64)
    stack = plan.restricted({which: kept})
    found = stack(weight, bias)[stack.order]
    expected = plan(weight, bias)[plan.order][chosen]
    assert len(stack.order) == len(chosen) == sum(operator.rows for operator in stack.operators)
    torch.testing.assert_close(found, expected, rtol=1e-11, atol=1e-12)
    g = torch.randn_like(found)
    ours, theirs = (torch.autograd.grad(h, weight, g)[0] for h in (found, expected))
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-11)


def test_a_batch_reads_the_rows_of_its_tokens():
    """Logits and gradients of a whole step with the rows of the batch equal those with the full table."""
    target = transformer()
    generator = uhn(target, "auto")
    ids = torch.randint(2, WORDS, (3, 12))
    ids[1, 7:] = 1  # padding is looked up, too
    rows = target.rows_read(ids)
    assert rows.keys() == {TABLE} and rows[TABLE].tolist() == sorted(set(ids.flatten().tolist()))
    labels = torch.tensor([0, 1, 3])

    def step(weights):
        loss = torch.nn.functional.cross_entropy(target.run(weights, ids), labels)
        return loss.detach(), gradients(generator, loss)

    for ours, expected in zip(step(generator(target, rows)), step(generator(target)), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-12)


def test_other_targets_are_read_in_full():
    target = build_model("kan_kv")
    assert target.rows_read(torch.rand(5, 2)) == {}
    generator = UHN(UHNConfig(index_frequencies=4, hidden_dim=4), target.ranges())
    full = generator.generate_scalars(target)
    assert torch.equal(generator.generate_scalars(target, {}), full)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"embedding.words": torch.tensor([0])}, "small has no such tensor"),
        ({TABLE: torch.tensor([3, 3])}, "expected sorted unique indices from 0 to 60"),
        ({TABLE: torch.tensor([4, 2])}, "expected sorted unique"),
        ({TABLE: torch.tensor([61])}, "expected sorted unique"),
        ({TABLE: torch.tensor([-1, 2])}, "expected sorted unique"),
        ({TABLE: torch.tensor([[0, 1]])}, r"expected int64 of shape \(kept,\), got torch.int64 \(1, 2\)"),
        ({TABLE: torch.tensor([0.0])}, r"got torch.float32 \(1,\)"),
        ({"embedding.position": torch.tensor([0])}, "its first axis is not one of its grid's"),
    ],
)
def test_mistakes_are_named(rows, words):
    target = transformer()
    with pytest.raises(ValueError, match=words):
        uhn(target, "dense").generate_scalars(target, rows=rows)
