"""The formula benchmark against its published check values and closed forms."""

import numpy as np
import pytest
import torch
from scipy import integrate

from uhn.data.formulas import FORMULAS, draw_points, load_formula
from uhn.descriptors.vocabulary import DatasetType


def test_the_fifteen_functions_in_the_order_of_their_ids():
    assert [DatasetType[name.upper()] for name in FORMULAS] == list(range(7, 22))


@pytest.mark.parametrize(
    ("name", "split", "point", "value"),
    [
        ("kv", "train", (0.58178942, 0.68702548), 0.7934168),
        ("yv", "train", (0.58178942, 0.68702548), -0.8092475),
        ("kv", "test", (0.66815813, 0.71851411), 0.7888518),
    ],
)
def test_check_values(name, split, point, value):
    drawn = dict(zip(("train", "test"), draw_points(FORMULAS[name], 21962), strict=True))[split]
    np.testing.assert_allclose(drawn[0], point, atol=5e-9)
    inputs, targets = load_formula(name, 21962, split)
    assert targets[0].item() == pytest.approx(value, abs=5e-7)
    x1, x2 = point
    np.testing.assert_allclose(inputs[0], [2 * x1 - 1, 2 * (x2 - 0.1) / 0.9 - 1], atol=1e-6)


def test_first_common_point():
    train, _ = draw_points(FORMULAS["ellipj"], 21962)
    np.testing.assert_allclose(train[0], (0.581789, 0.157476), atol=5e-7)
    np.testing.assert_allclose(load_formula("iv", 21962, "train")[0][0], 2 * train[0] - 1, atol=1e-6)


HARMONICS = {
    "sph_harm01": lambda a, p: np.sqrt(3 / (4 * np.pi)) * np.cos(p),
    "sph_harm11": lambda a, p: -np.sqrt(3 / (8 * np.pi)) * np.sin(p) * np.cos(a),
    "sph_harm02": lambda a, p: np.sqrt(5 / (16 * np.pi)) * (3 * np.cos(p) ** 2 - 1),
    "sph_harm12": lambda a, p: -np.sqrt(15 / (8 * np.pi)) * np.sin(p) * np.cos(p) * np.cos(a),
    "sph_harm22": lambda a, p: np.sqrt(15 / (32 * np.pi)) * np.sin(p) ** 2 * np.cos(2 * a),
}


@pytest.mark.parametrize("name", HARMONICS)
def test_spherical_harmonics_have_their_closed_forms(name):
    train, _ = draw_points(FORMULAS[name], 1)
    _, targets = load_formula(name, 1, "train")
    np.testing.assert_allclose(targets[:, 0], HARMONICS[name](*train.T), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "integrand"),
    [
        ("ellipkinc", lambda t, m: 1 / np.sqrt(1 - m * np.sin(t) ** 2)),
        ("ellipeinc", lambda t, m: np.sqrt(1 - m * np.sin(t) ** 2)),
    ],
)
def test_elliptic_integrals_equal_their_integrals(name, integrand):
    phi, m = 0.7, 0.4
    expected, _ = integrate.quad(integrand, 0, phi, args=(m,))
    assert FORMULAS[name].evaluate(np.array([phi]), np.array([m]))[0] == pytest.approx(expected, rel=1e-10)


def test_ellipj_has_four_outputs_with_their_identities():
    _, targets = load_formula("ellipj", 3, "test")
    train_points = draw_points(FORMULAS["ellipj"], 3)[1]
    sn, cn, dn, ph = targets.double().T
    assert targets.shape == (1000, 4)
    torch.testing.assert_close(sn**2 + cn**2, torch.ones(1000, dtype=torch.float64), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        dn**2 + torch.from_numpy(train_points[:, 1]) * sn**2, torch.ones(1000, dtype=torch.float64), atol=1e-6, rtol=0
    )
    torch.testing.assert_close(torch.sin(ph), sn, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("name", "low", "high", "std"), [("kv", 0.42, 9.42, 1.07), ("yv", -6.19, 0.05, 0.74), ("ellipkinc", 0, 1.19, None)]
)
def test_target_ranges(name, low, high, std):
    _, targets = load_formula(name, 21962, "train")
    assert targets.min().item() == pytest.approx(low, abs=0.006)
    assert targets.max().item() == pytest.approx(high, abs=0.006)
    if std:
        assert targets.std().item() == pytest.approx(std, abs=0.006)


@pytest.mark.parametrize("name", FORMULAS)
def test_splits_are_finite_disjoint_and_depend_on_the_seed(name):
    train, train_targets = load_formula(name, 21962, "train")
    test, test_targets = load_formula(name, 21962, "test")
    assert train.shape == test.shape == (1000, 2) and train.dtype == torch.float32
    assert train_targets.isfinite().all() and test_targets.isfinite().all()
    assert train.abs().max() <= 1 and train.min() < -0.99 and train.max() > 0.99
    assert not (train[:, None] == test[None]).all(-1).any()
    assert not torch.equal(train, load_formula(name, 59358, "train")[0])
