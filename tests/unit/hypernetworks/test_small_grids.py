"""Components without axes (a scalar parameter) and without rows (a bias that is switched off)."""

import numpy as np
import pytest
import torch

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.descriptors.index import Axis, ComponentGrid, IndexField
from uhn.descriptors.normalization import Ranges
from uhn.hypernetworks.uhn import UHN
from uhn.layers.base import Component, InitTarget
from uhn.models.base import PlacedComponent, TargetModel

GRIDS = [
    ComponentGrid(0, 0, 0, ()),
    ComponentGrid(0, 0, 1, (Axis(IndexField.OUT_IDX, 3), Axis(IndexField.IN_IDX, 0))),
    ComponentGrid(0, 0, 2, (Axis(IndexField.OUT_IDX, 3), Axis(IndexField.IN_IDX, 2))),
    ComponentGrid(0, 0, 3, (Axis(IndexField.OUT_IDX, 0),)),
]
RANGES = Ranges((0, 0, 0, *[-1.0] * 7), (1, 1, 3, *[4.0] * 7), (0.0,) * 29, (1.0,) * 29)


class SmallTensors(TargetModel):
    global_descriptor = None

    def ranges(self):
        return RANGES

    def structure_tokens(self):
        return np.zeros((1, 29))

    @property
    def placed_components(self):
        return tuple(
            PlacedComponent(
                f"p{grid.param_type}", Component("", grid.param_type, shape, grid.axes, InitTarget(0, 1)), grid
            )
            for grid, shape in zip(GRIDS, [(), (3, 0), (3, 2), (0,)], strict=True)
        )


@pytest.mark.parametrize("route", ["auto", "reference", "dense", "separable", "structured"])
def test_every_scalar_is_that_of_its_descriptor(route):
    torch.manual_seed(0)
    generator = UHN(UHNConfig(index_frequencies=16, hidden_dim=8), RANGES, GenerationConfig(first_layer=route))
    weights = generator(SmallTensors("small tensors", None))
    assert {name: tuple(w.shape) for name, w in weights.items()} == {"p0": (), "p1": (3, 0), "p2": (3, 2), "p3": (0,)}
    rows = torch.full((7, 10), -1.0, dtype=torch.float64)
    rows[:, :2] = 0
    rows[0, 2], rows[1:, 2] = 0, 2
    rows[1:, 3] = torch.tensor([0, 0, 1, 1, 2, 2])
    rows[1:, 4] = torch.tensor([0, 1, 0, 1, 0, 1])
    found = torch.cat([weights["p0"].view(1), weights["p2"].flatten()])
    torch.testing.assert_close(found, generator.query(rows), rtol=1e-4, atol=1e-5)
