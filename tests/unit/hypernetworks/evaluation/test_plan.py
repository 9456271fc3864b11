"""Every evaluation of the first layer against explicit features in float64, forward and weight gradient."""

import pytest
import torch
from first_layer_plans import make_plan
from hypothesis import given, settings
from hypothesis import strategies as st

from uhn.descriptors.index import Axis, ComponentGrid, IndexField, materialise_index_table
from uhn.descriptors.normalization import Normalizer
from uhn.hypernetworks.encodings import GaussianFourier
from uhn.hypernetworks.evaluation import separable

OUT, IN = IndexField.OUT_IDX, IndexField.IN_IDX
HIDDEN = 5


def encoder(grids, frequencies=48, seed=0):
    """A normaliser that covers the grids, and an encoding."""
    table = materialise_index_table(grids)
    torch.manual_seed(seed)
    return Normalizer(table.min(axis=0), table.max(axis=0)), GaussianFourier(10, frequencies, 100.0)


def conv(out, inner, kernel):
    return ComponentGrid(
        3,
        1,
        0,
        (Axis(OUT, out), Axis(IN, inner), Axis(IndexField.KERNEL_H_IDX, kernel), Axis(IndexField.KERNEL_W_IDX, kernel)),
    )


def linear(out, inner):
    return ComponentGrid(1, 0, 0, (Axis(OUT, out), Axis(IN, inner)))


def bias(out):
    return ComponentGrid(1, 0, 1, (Axis(OUT, out),))


def reference(grids, normalizer, encoding, weight, bias_, grad):
    """Output, weight gradient and bias gradient through explicit float64 features."""
    features = encoding(normalizer(torch.from_numpy(materialise_index_table(grids))))
    weight, bias_ = weight.double().requires_grad_(), bias_.double().requires_grad_()
    h = torch.nn.functional.linear(features, weight, bias_)
    h.backward(grad.double())
    return h.detach(), weight.grad, bias_.grad


def evaluate(grids, dtype=torch.float64, hidden=HIDDEN, frequencies=48, **options):
    """Return a plan and its relative errors (output, weight gradient, bias gradient)."""
    normalizer, encoding = encoder(grids, frequencies)
    weight = torch.randn(hidden, 2 * frequencies, dtype=dtype) / (2 * frequencies) ** 0.5
    offset = torch.randn(hidden, dtype=dtype)
    grad = torch.randn(sum(map(len, grids)), hidden, dtype=dtype)
    expected = reference(grids, normalizer, encoding, weight.clone(), offset.clone(), grad)
    plan = make_plan(grids, normalizer, encoding, dtype=dtype, **options)
    weight.requires_grad_()
    offset.requires_grad_()
    h = plan(weight, offset)[plan.order]
    h.backward(grad)
    found = (h.detach(), weight.grad, offset.grad)
    errors = [((a.double() - b).norm() / b.norm()).item() for a, b in zip(found, expected, strict=True)]
    return plan, errors


@pytest.mark.parametrize("route", ["dense", "separable"])
@pytest.mark.parametrize("grids", [[linear(17, 23), bias(17), conv(7, 5, 3)], [bias(1), linear(1, 1)]])
def test_exact_routes(route, grids):
    plan, errors = evaluate(grids, route=route)
    assert max(errors) < 1e-12
    assert {r.route for r in plan.report()} <= {route, "dense"}
    assert all(r.error == 0 for r in plan.report())


@pytest.mark.parametrize(
    "shape", [(16, 16), (17, 64), (64, 17), (128, 784), (64, 1433), (16, 3703), (5000, 16), (2, 2), (3, 50)]
)
@pytest.mark.parametrize("tolerance", [2e-5, 1e-5, 1e-7])
def test_structured_error_is_as_predicted(shape, tolerance):
    plan, errors = evaluate([linear(*shape)], route="structured", tolerance=tolerance)
    (report,) = plan.report()
    assert report.route == "structured" and report.error <= tolerance
    # the prediction is an average over all coefficients; a few dozen random frequencies scatter around it
    assert errors[0] <= 2 * report.error + 1e-13 and errors[1] <= 2 * report.error + 1e-13
    assert errors[2] < 1e-12


@pytest.mark.parametrize("kernel", [1, 2, 3])
def test_slices(kernel):
    plan, errors = evaluate([conv(19, 16, kernel), conv(32, 16, kernel)], route="structured", tolerance=1e-5)
    assert max(errors) < 1e-5 and {r.route for r in plan.report()} == {"structured"}


@settings(max_examples=40, deadline=None)
@given(
    extents=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    route=st.sampled_from(["auto", "dense", "separable", "structured"]),
    frequencies=st.integers(1, 20),
)
def test_any_shape_any_route(extents, route, frequencies):
    fields = (OUT, IN, IndexField.GRID_IDX, IndexField.SEQUENCE_IDX)
    grid = ComponentGrid(0, 0, 0, tuple(Axis(f, n) for f, n in zip(fields, extents, strict=False)))
    if len(grid) > 20000:
        return
    _, errors = evaluate([grid, bias(3)], route=route, tolerance=1e-5, frequencies=frequencies)
    assert max(errors) < 5e-5


def test_rows_come_back_in_tensor_order():
    """A weight that reads one cosine: h is cos of each row's own phase, so any misplaced row shows."""
    grids = [conv(16, 20, 3), linear(30, 16), bias(30)]
    normalizer, encoding = encoder(grids, frequencies=3)
    weight = torch.zeros(1, 6, dtype=torch.float64)
    weight[0, 1] = 1.0
    rows = torch.from_numpy(materialise_index_table(grids))
    expected = (normalizer(rows) @ encoding.frequencies.double())[:, 1].cos()
    for route in ("dense", "separable", "structured"):
        plan = make_plan(grids, normalizer, encoding, route=route, tolerance=1e-7, dtype=torch.float64)
        found = plan(weight, torch.zeros(1, dtype=torch.float64))[plan.order, 0]
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("route", ["dense", "separable", "structured"])
def test_gradcheck_through_a_generated_weight(route):
    grids = [linear(5, 4), bias(5)]
    normalizer, encoding = encoder(grids, frequencies=3)
    plan = make_plan(grids, normalizer, encoding, route=route, dtype=torch.float64)
    seed = torch.randn(2, 6, dtype=torch.float64, requires_grad=True)
    offset = torch.randn(2, dtype=torch.float64, requires_grad=True)
    # the weight is not a leaf, as in recursion
    assert torch.autograd.gradcheck(lambda s, b: plan(s.tanh() * 2, b), (seed, offset))


@pytest.mark.parametrize("route", ["dense", "separable", "structured"])
def test_adjoint_identity(route):
    grids = [conv(17, 16, 2), linear(20, 33)]
    normalizer, encoding = encoder(grids, frequencies=16)
    plan = make_plan(grids, normalizer, encoding, route=route, dtype=torch.float64)
    weight = torch.randn(3, 32, dtype=torch.float64, requires_grad=True)
    h = plan(weight, torch.zeros(3, dtype=torch.float64))
    g = torch.randn_like(h)
    h.backward(g)
    forward, backward = (h * g).sum().item(), (weight * weight.grad).sum().item()
    assert forward == pytest.approx(backward, rel=1e-12)


def test_auto_takes_the_structured_route_only_where_it_pays():
    grids = [linear(128, 784), bias(128), linear(10, 128), linear(4, 4)]
    normalizer, encoding = encoder(grids, frequencies=1024)
    plan = make_plan(grids, normalizer, encoding)
    assert [r.route for r in plan.report()] == ["structured", "dense", "dense", "dense"]
    assert plan.report()[0].macs < 0.5 * 128 * 784 * 2048


def test_a_tighter_tolerance_costs_more_then_becomes_exact():
    grids = [linear(64, 64)]
    normalizer, encoding = encoder(grids, frequencies=1024)
    reports = [
        make_plan(grids, normalizer, encoding, tolerance=tolerance).report()[0]
        for tolerance in (2e-5, 1e-5, 1e-7, 1e-9)
    ]
    assert [r.route for r in reports] == ["structured"] * 3 + ["dense"]
    errors = [r.error for r in reports[:3]]
    assert errors == sorted(errors, reverse=True) and errors[0] > errors[2]
    assert reports[0].macs < reports[1].macs < reports[2].macs


def test_what_does_not_fit_the_cache_is_rotated():
    grids = [linear(10, 64), bias(64)]
    normalizer, encoding = encoder(grids, frequencies=16)
    plan = make_plan(grids, normalizer, encoding, cache_bytes=640 * 32 * 4)
    assert [r.route for r in plan.report()] == ["separable", "dense"]


@pytest.mark.parametrize("route", ["auto", "dense", "structured"])
def test_float32_stays_within_tolerance(route):
    _, errors = evaluate([linear(64, 300), bias(64)], dtype=torch.float32, route=route, hidden=16, frequencies=128)
    assert max(errors) < 1e-5


def test_autocast_around_does_not_change_the_values():
    grids = [linear(20, 30), bias(20)]
    normalizer, encoding = encoder(grids)
    weight, offset = torch.randn(HIDDEN, 96), torch.randn(HIDDEN)
    for route in ("separable", "structured"):
        plan = make_plan(grids, normalizer, encoding, route=route)
        plain = plan(weight, offset)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            torch.testing.assert_close(plan(weight, offset), plain, atol=0, rtol=0)


@pytest.mark.parametrize("route", ["dense", "separable"])
@pytest.mark.parametrize("autocast", [None, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("rotations", [1, 3, 100])
def test_bfloat16_features_cost_their_rounding_and_nothing_else(route, autocast, rotations, monkeypatch):
    """What a GPU does under autocast."""
    monkeypatch.setattr(separable, "rotations_at_once", lambda *_: rotations)
    grids = [linear(20, 300), bias(20)]
    normalizer, encoding = encoder(grids, frequencies=256)
    weight = (torch.randn(8, 512) / 512**0.5).requires_grad_()
    offset = torch.randn(8, requires_grad=True)
    upstream = torch.randn(20 * 300 + 20, 8)
    h, grad, offset_grad = reference(grids, normalizer, encoding, weight.detach(), offset.detach(), upstream)
    plan = make_plan(grids, normalizer, encoding, route=route, feature_dtype=torch.bfloat16)
    assert [(r.route, r.dtype) for r in plan.report()] == [(route, torch.bfloat16), ("dense", torch.bfloat16)]
    with torch.autocast("cpu", autocast, enabled=autocast is not None):
        found = plan(weight, offset)[plan.order]
    assert found.dtype == (torch.float32 if autocast is None else torch.bfloat16)
    found.backward(upstream.to(found.dtype))
    assert weight.grad.dtype == offset.grad.dtype == torch.float32
    # 8 bits: one rounding has a relative error of about 0.0013; features, weight and result are rounded
    assert 1e-4 < (found - h).norm() / h.norm() < 4e-3
    assert 1e-4 < (weight.grad - grad).norm() / grad.norm() < 4e-3
    torch.testing.assert_close(offset.grad.double(), offset_grad, rtol=1e-2, atol=0.5)


@pytest.mark.parametrize(
    ("route", "width", "feature_dtype"), [("structured", 16, torch.float32), ("separable", 4, torch.bfloat16)]
)
def test_neighbouring_vocabulary_rows_stay_distinct(route, width, feature_dtype):
    """With phases in half precision, 612 of the 5,000 rows equal their neighbour."""
    grids = [ComponentGrid(0, 4, 0, (Axis(IndexField.EMBEDDING_IDX, 5000), Axis(OUT, width)))]
    normalizer, encoding = encoder(grids, frequencies=64)
    plan = make_plan(grids, normalizer, encoding, route=route, feature_dtype=feature_dtype)
    h = plan(torch.randn(8, 128), torch.zeros(8))[plan.order].view(5000, width, 8)
    assert len(torch.unique(h[:, 0], dim=0)) == 5000
