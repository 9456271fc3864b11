"""The 15 special functions of the formula benchmark (paper, Table 11)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from scipy import special
from torch import Tensor

POINTS = 1000  # of each split


def _spherical_harmonic(order: int, degree: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Re Y_degree^order(azimuth = x1, polar = x2), in the argument order of SciPy >= 1.15."""
    return lambda x1, x2: special.sph_harm_y(degree, order, x2, x1).real


def _legendre(order: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Associated Legendre function of non-integer degree x1 at x2."""
    return lambda x1, x2: special.lpmv(order, x1, x2)


@dataclass(frozen=True)
class Formula:
    """A function of two variables.

    Args:
        evaluate: (x1, x2) -> one array, or a tuple of arrays for several outputs.
        x2_min: x2 is drawn from [x2_min, 1); x1 from [0, 1).
    """

    evaluate: Callable[[np.ndarray, np.ndarray], np.ndarray | tuple[np.ndarray, ...]]
    x2_min: float = 0.0


FORMULAS: dict[str, Formula] = {
    "ellipj": Formula(special.ellipj),
    "ellipkinc": Formula(special.ellipkinc),
    "ellipeinc": Formula(special.ellipeinc),
    "jv": Formula(special.jv),
    "yv": Formula(special.yv, x2_min=0.1),
    "kv": Formula(special.kv, x2_min=0.1),
    "iv": Formula(special.iv),
    "lpmv0": Formula(_legendre(0)),
    "lpmv1": Formula(_legendre(1)),
    "lpmv2": Formula(_legendre(2)),
    "sph_harm01": Formula(_spherical_harmonic(0, 1)),
    "sph_harm11": Formula(_spherical_harmonic(1, 1)),
    "sph_harm02": Formula(_spherical_harmonic(0, 2)),
    "sph_harm12": Formula(_spherical_harmonic(1, 2)),
    "sph_harm22": Formula(_spherical_harmonic(2, 2)),
}


def draw_points(formula: Formula, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the training, then the test points, from NumPy's legacy generator seeded with the run seed.

    As in the release, the points depend on the run seed, so a spread over seeds mixes data and training noise.

    Returns:
        Two arrays of shape (1000, 2), float64.
    """
    rng = np.random.RandomState(seed)
    if formula.x2_min == 0.0:
        return rng.rand(POINTS, 2), rng.rand(POINTS, 2)

    def draw() -> np.ndarray:
        x1 = rng.rand(POINTS, 1)
        x2 = (1 - formula.x2_min) * rng.rand(POINTS, 1) + formula.x2_min
        return np.hstack([x1, x2])

    return draw(), draw()


def load_formula(name: str, seed: int, split: Literal["train", "test"]) -> tuple[Tensor, Tensor]:
    """Load one split of a formula.

    Targets are computed in float64 from the raw points and are not normalised; inputs are then mapped to
    [-1, 1] per coordinate.

    Returns:
        Inputs (1000, 2) and targets (1000, outputs), float32.
    """
    formula = FORMULAS[name]
    train, test = draw_points(formula, seed)
    points = {"train": train, "test": test}[split]
    values = formula.evaluate(points[:, 0], points[:, 1])
    targets = np.stack(values, axis=1) if isinstance(values, tuple) else values[:, None]
    lowest = np.array([0.0, formula.x2_min])
    inputs = 2 * (points - lowest) / (1 - lowest) - 1
    return torch.from_numpy(inputs).float(), torch.from_numpy(targets).float()
