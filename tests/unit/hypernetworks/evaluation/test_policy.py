"""What the device, the sizes and the budget decide about the first layer."""

import pytest
import torch

from uhn.hypernetworks.evaluation.policy import (
    considers_gridding,
    exact_routes,
    feature_dtype,
    kept_bytes,
    rotations_at_once,
    split_axes,
)


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
