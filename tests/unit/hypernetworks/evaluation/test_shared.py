"""Generators of a thousand architectures: what these share is computed once, what they do not share is bounded."""

import gc
import subprocess
import sys

import pytest
import torch

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.descriptors.index import Axis, ComponentGrid, IndexField
from uhn.descriptors.normalization import Normalizer
from uhn.hypernetworks.encodings import GaussianFourier
from uhn.hypernetworks.evaluation import SharedParts
from uhn.hypernetworks.evaluation import shared as shared_module
from uhn.hypernetworks.uhn import UHN
from uhn.models.model_sets import FAMILIES
from uhn.models.registry import build_model

FAMILY = FAMILIES["cnn_mixed_depth"]
OUT, IN, HEIGHT = IndexField.OUT_IDX, IndexField.IN_IDX, IndexField.KERNEL_H_IDX
CPU = torch.device("cpu")


def members(*ids):
    with torch.device("meta"):
        return [build_model(f"cnn_mixed_depth/{i}") for i in ids]


def make_generator(**generation):
    torch.manual_seed(0)
    return UHN(UHNConfig(index_frequencies=8, hidden_dim=8), FAMILY.ranges, GenerationConfig(**generation))


def gradients(generator, target):
    generator.zero_grad()
    scalars = generator.generate_scalars(target)
    scalars.square().sum().backward()
    return scalars, *(p.grad.clone() for p in generator.parameters())


@pytest.fixture
def shared():
    torch.manual_seed(0)
    normalizer = Normalizer([0.0] * 10, [40.0] * 10)
    return SharedParts(normalizer, GaussianFourier(10, 6, 100.0), torch.float64, CPU, torch.float64)


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
        parts = SharedParts(Normalizer([0.0] * 10, [40.0] * 10), encoding, torch.float64, CPU, torch.float64)
        for extent in extents:
            axes = tuple(Axis(field, n) for field, n in zip((OUT, IN, HEIGHT), (extent, *others), strict=False))
            grid = ComponentGrid(3, 1, 0, axes)
            out = torch.empty(len(grid), 512, dtype=torch.float64)
            parts.write_features(grid, out)
        return out

    for orders in ([(69,), (7, 69), (33, 40, 69), (100, 69)], [(17,), (64, 17), (100, 5, 17)]):
        first, *later = (features(*order) for order in orders)
        assert all(torch.equal(first, other) for other in later)


def test_numbers_do_not_depend_on_what_is_kept():
    targets = members(0, 1, 2)
    everything, nothing = make_generator(), make_generator(kept_mb=0)
    for target in (*targets, *targets):
        for expected, found in zip(gradients(everything, target), gradients(nothing, target), strict=True):
            assert torch.equal(expected, found)
    assert len(everything._prepared) == 3
    assert len(nothing._prepared) == 1  # the first, though it exceeds the budget


def test_the_budget_counts_what_targets_do_not_share():
    sizes = {i: make_generator()._prepare(*members(i)).nbytes for i in range(4)}
    largest_first = sorted(sizes, key=sizes.get, reverse=True)
    budget = (sum(sizes.values()) - 1) >> 20  # all but the last one fit
    assert sizes[largest_first[-1]] > 1 << 20
    generator, targets = make_generator(kept_mb=budget), members(*largest_first)
    for _ in range(2):
        for i in range(4):
            generator._prepare(targets[i])
        assert set(generator._prepared) == set(targets[:3])
    del targets[0]
    gc.collect()
    generator._prepare(targets[-1])
    assert set(generator._prepared) == set(targets)  # the dead one has made room


CODE = """
import resource, sys
import torch
from uhn.configuration.generators import UHNConfig
from uhn.hypernetworks.uhn import UHN
from uhn.models.model_sets import FAMILIES
from uhn.models.registry import build_model

family = FAMILIES[sys.argv[1]]
with torch.device("meta"):
    targets = [build_model(name) for name in family.member_names(range(family.size))]
generator = UHN(UHNConfig(structure_encoder=True), family.ranges)
for _ in range(2):
    for target in targets:
        generator._prepare(target)
    print(generator._shared[1].computed)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@pytest.mark.slow
@pytest.mark.parametrize("family", ["cnn_mixed_depth_width", "transformer_mixed"])
def test_a_thousand_architectures_of_the_papers_sizes_fit_4_gib(family):
    done = subprocess.run([sys.executable, "-c", CODE, family], capture_output=True, text=True, check=True)
    first, second, gib = done.stdout.split()
    assert first == second  # the second pass assembles, it computes nothing that is shared
    assert float(gib) < 4
