"""Tables that all targets share: computed once, and the same in whatever order the targets come."""

import pytest
import torch

from uhn.descriptors.index import Axis, ComponentGrid, IndexField
from uhn.descriptors.normalization import Normalizer
from uhn.hypernetworks.encodings import GaussianFourier
from uhn.hypernetworks.evaluation import shared as shared_module
from uhn.hypernetworks.evaluation.shared import SharedTables

OUT, IN, HEIGHT = IndexField.OUT_IDX, IndexField.IN_IDX, IndexField.KERNEL_H_IDX


@pytest.fixture
def shared():
    torch.manual_seed(0)
    normalizer = Normalizer([0.0] * 10, [40.0] * 10)
    return SharedTables(normalizer, GaussianFourier(10, 6, 100.0), dtype=torch.float64)


@pytest.mark.parametrize(
    "extents", [[(5,), (3,), (9,), (9,), (1,)], [(3, 7), (3, 20), (3, 4), (2, 20), (30, 3)], [(2, 9, 4), (2, 12, 4)]]
)
def test_tables_grow_in_any_order(shared, extents):
    """Against every row's own phase."""
    for layer in (0, 1):
        for shape in extents:
            axes = tuple(Axis(field, n) for field, n in zip((OUT, IN, HEIGHT), shape, strict=False))
            grid = ComponentGrid(layer, 2, 1, axes)
            out = torch.full((len(grid), 12), torch.nan, dtype=torch.float64)
            shared.write_features(grid, out)
            phases = shared.normalizer(torch.from_numpy(grid.materialise())) @ shared.encoding.frequencies.double()
            torch.testing.assert_close(out, torch.cat([phases.cos(), phases.sin()], 1), rtol=0, atol=1e-10)


def test_features_of_components_that_differ_in_one_extent_are_computed_once(shared, monkeypatch):
    rows = []
    exact = shared_module.exact_features
    monkeypatch.setattr(shared_module, "exact_features", lambda *args: rows.append(len(args[2])) or exact(*args))
    for width in (5, 8, 40, 3, 33):
        for axes in ((Axis(OUT, width),), (Axis(OUT, 2), Axis(IN, width))):
            grid = ComponentGrid(0, 0, 0, axes)
            shared.write_features(grid, torch.empty(len(grid), 12, dtype=torch.float64))
    assert sum(rows) == 64 + 2 * 64  # in blocks of 32


@pytest.mark.parametrize("others", [(), (3,), (3, 5)])
def test_features_do_not_depend_on_what_came_before(others):
    """To the last digit: a resumed run meets the targets in another order."""
    torch.manual_seed(0)
    encoding = GaussianFourier(10, 256, 100.0)

    def features(*extents):
        tables = SharedTables(Normalizer([0.0] * 10, [40.0] * 10), encoding, dtype=torch.float64)
        for extent in extents:
            axes = tuple(Axis(field, n) for field, n in zip((OUT, IN, HEIGHT), (extent, *others), strict=False))
            grid = ComponentGrid(3, 1, 0, axes)
            out = torch.empty(len(grid), 512, dtype=torch.float64)
            tables.write_features(grid, out)
        return out

    for orders in ([(69,), (7, 69), (33, 40, 69), (100, 69)], [(17,), (64, 17), (100, 5, 17)]):
        first, *later = (features(*order) for order in orders)
        assert all(torch.equal(first, other) for other in later)
