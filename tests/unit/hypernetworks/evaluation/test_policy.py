"""What a device decides about the first layer, and the arithmetic of a GPU's choice, run on a CPU."""

import pytest
import torch

from uhn.descriptors.index import Axis, ComponentGrid, IndexField, materialise_index_table
from uhn.descriptors.normalization import Normalizer
from uhn.hypernetworks.encodings import GaussianFourier
from uhn.hypernetworks.evaluation import FirstLayerPlan, separable
from uhn.hypernetworks.evaluation.policy import (
    considers_gridding,
    exact_routes,
    feature_dtype,
    kept_bytes,
    rotations_at_once,
    split_axes,
)

OUT, IN = IndexField.OUT_IDX, IndexField.IN_IDX


@pytest.mark.parametrize(
    ("device", "route", "expected"),
    [
        ("cpu", "auto", True),
        ("cuda", "auto", False),
        ("cuda", "structured", True),
        ("cpu", "dense", False),
        ("cuda", "separable", False),
    ],
)
def test_a_gpu_grids_only_when_told_to(device, route, expected):
    assert considers_gridding(device, route) is expected


@pytest.mark.parametrize(
    ("device", "dtype", "route", "autocast", "expected"),
    [
        ("cuda", torch.float32, "auto", True, torch.bfloat16),
        ("cuda", torch.float32, "auto", False, torch.float32),
        ("cuda", torch.float64, "auto", True, torch.float64),
        ("cuda", torch.float32, "dense", True, torch.float32),
        ("cpu", torch.float32, "auto", True, torch.float32),
    ],
)
def test_features_are_rounded_on_a_gpu_under_autocast_alone(device, dtype, route, autocast, expected):
    assert feature_dtype(device, dtype, route, autocast) is expected


@pytest.mark.parametrize(
    ("kept_mb", "gpu_bytes", "expected"),
    [(None, None, 512 * 1024**2), (None, 80 * 10**9, 10 * 10**9), (3, None, 3 * 1024**2), (0, 80 * 10**9, 0)],
)
def test_what_is_kept_about_all_targets_is_bounded(kept_mb, gpu_bytes, expected):
    assert kept_bytes(kept_mb, gpu_bytes) == expected


@pytest.mark.parametrize(
    ("cache_rows", "route", "expected"),
    [
        (162, "auto", ["dense", "dense", "dense", "dense"]),
        (161, "auto", ["separable", "dense", "dense", "dense"]),
        (62, "auto", ["separable", "dense", "dense", "dense"]),
        (61, "auto", ["separable", "separable", "dense", "dense"]),
        (0, "auto", ["separable", "separable", "dense", "separable"]),  # one axis: nothing to rotate
        (0, "dense", ["dense", "dense", "dense", "dense"]),
        (162, "separable", ["separable", "separable", "dense", "separable"]),
    ],
)
def test_the_largest_are_rotated_until_the_rest_fits(cache_rows, route, expected):
    extents = [(10, 10), (8, 5), (12,), (5, 2)]  # 162 rows
    assert exact_routes("cpu", extents, row_bytes=7, cache_bytes=7 * cache_rows, route=route) == expected


@pytest.mark.parametrize(
    ("device", "route", "expected"),
    [("cpu", "auto", "separable"), ("cpu", "dense", "dense"), ("cuda", "auto", "dense")],
)
def test_a_cpu_rotates_along_a_long_axis_whatever_the_cache(device, route, expected):
    extents = [(5000, 8), (1023, 8), (5000,)]
    assert exact_routes(device, extents, 1, 1 << 30, route) == [expected, "dense", "dense"]


@pytest.mark.parametrize(
    ("extents", "expected"),
    [
        ((5000, 8), ((1,), (0,))),  # 8 rotations of a long table
        ((8, 5000), ((0,), (1,))),
        ((64, 32, 3, 3), ((2, 3), (0, 1))),  # 9 rotations of 2,048 rows
        ((64, 300, 3, 3), ((0, 3), (1, 2))),  # 192 rotations of 900 rows; 2,700 rows would be too many
        ((4, 3, 5), ((1,), (0, 2))),
    ],
)
def test_axes_are_divided_for_the_fewest_rotations(extents, expected):
    assert split_axes(extents) == expected


def test_rotations():
    assert rotations_at_once("cpu", 1 << 20) == 1
    assert rotations_at_once("cuda", 1 << 20) == 64
    assert rotations_at_once("cuda", 1 << 30) == 1


def case(grids, frequencies=256, hidden=8):
    """Plan options, weight, bias, upstream gradient, and float64 output and gradients by explicit features."""
    table = materialise_index_table(grids)
    torch.manual_seed(0)
    normalizer, encoding = Normalizer(table.min(axis=0), table.max(axis=0)), GaussianFourier(10, frequencies, 100.0)
    weight = (torch.randn(hidden, 2 * frequencies) / (2 * frequencies) ** 0.5).requires_grad_()
    bias = torch.randn(hidden, requires_grad=True)
    upstream = torch.randn(len(table), hidden)
    features = encoding(normalizer(torch.from_numpy(table)))
    expected = features @ weight.detach().double().T + bias.detach().double()
    return (grids, normalizer, encoding), weight, bias, upstream, (expected, upstream.double().T @ features)


@pytest.mark.parametrize("route", ["dense", "separable"])
@pytest.mark.parametrize("autocast", [None, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("rotations", [1, 3, 100])
def test_bfloat16_features_cost_their_rounding_and_nothing_else(route, autocast, rotations, monkeypatch):
    monkeypatch.setattr(separable, "rotations_at_once", lambda *_: rotations)
    grids = [ComponentGrid(1, 0, 0, (Axis(OUT, 20), Axis(IN, 300))), ComponentGrid(1, 0, 1, (Axis(OUT, 20),))]
    setting, weight, bias, upstream, (h, grad) = case(grids)
    plan = FirstLayerPlan(*setting, route=route, feature_dtype=torch.bfloat16)
    assert [(r.route, r.dtype) for r in plan.report()] == [(route, torch.bfloat16), ("dense", torch.bfloat16)]
    with torch.autocast("cpu", autocast, enabled=autocast is not None):
        found = plan(weight, bias)[plan.order]
    assert found.dtype == (torch.float32 if autocast is None else torch.bfloat16)
    found.backward(upstream.to(found.dtype))
    assert weight.grad.dtype == bias.grad.dtype == torch.float32
    # 8 bits: one rounding has a relative error of about 0.0013; features, weight and result are rounded
    assert 1e-4 < (found - h).norm() / h.norm() < 4e-3
    assert 1e-4 < (weight.grad - grad).norm() / grad.norm() < 4e-3
    torch.testing.assert_close(bias.grad, upstream.sum(0), rtol=1e-2, atol=0.5)


def test_neighbouring_vocabulary_rows_stay_distinct_in_bfloat16():
    """With half precision phases, 612 of the 5,000 rows equal their neighbour."""
    grids = [ComponentGrid(0, 4, 0, (Axis(IndexField.EMBEDDING_IDX, 5000), Axis(OUT, 4)))]
    setting, weight, bias, _, _ = case(grids, frequencies=64)
    plan = FirstLayerPlan(*setting, route="separable", feature_dtype=torch.bfloat16)
    h = plan(weight, bias).detach()[plan.order].view(5000, 4, -1)
    assert len(torch.unique(h[:, 0], dim=0)) == 5000
