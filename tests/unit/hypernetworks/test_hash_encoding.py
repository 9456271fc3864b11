"""The hash encoding against interpolation by hand, scipy's and Instant-NGP's hash written out."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.interpolate import RegularGridInterpolator

from uhn.configuration.generators import UHNConfig
from uhn.descriptors.normalization import Normalizer
from uhn.hypernetworks.counting import count_parameters
from uhn.hypernetworks.hash_encoding import HashEncoding
from uhn.hypernetworks.uhn import UHN
from uhn.models.registry import build_model


def encode(encoding, lowest, highest, rows):
    return encoding(Normalizer(lowest, highest)(torch.tensor(rows, dtype=torch.float64)))


def test_one_field_by_hand():
    """Five values over two cells: vertices at -1, 1 and 3 hold 10, 20 and 40."""
    encoding = HashEncoding((4,), {0}, levels=1, table_size=4, features=1).double()
    with torch.no_grad():
        encoding.tables[0].copy_(torch.tensor([[10.0], [20.0], [40.0]]))
    found = encode(encoding, [-1], [3], [[-1], [0], [1], [2], [3]])
    assert found[:, 0].tolist() == [10, 15, 20, 30, 40]


def test_uneven_cells_by_hand():
    """Four values over two cells: steps 0, 1, 2, 3 lie at 0, 2/3, 4/3 and 2 cells."""
    encoding = HashEncoding((3,), {0}, levels=1, table_size=4, features=2).double()
    with torch.no_grad():
        encoding.tables[0].copy_(torch.tensor([[0.0, 9.0], [3.0, 0.0], [9.0, 3.0]]))
    found = encode(encoding, [0], [3], [[0], [1], [2], [3]])
    expected = torch.tensor([[0, 9], [2, 3], [5, 1], [9, 3]], dtype=torch.float64)
    torch.testing.assert_close(found, expected)


def test_what_names_a_tensor_is_not_interpolated():
    """Field 0 of 3 values selects a table row, field 1 interpolates within it."""
    encoding = HashEncoding((2, 4), {1}, levels=1, table_size=16, features=1).double()
    assert len(encoding.tables[0]) == 3 * 3
    with torch.no_grad():
        encoding.tables[0].copy_(torch.arange(9.0).unsqueeze(1) ** 2)
    found = encode(encoding, [0, 0], [2, 4], [[1, 0], [1, 1], [2, 1]])
    # vertex (field 0, field 1) is entry field 0 + 3 field 1
    assert found[:, 0].tolist() == [1, (1 + 16) / 2, (4 + 25) / 2]


def test_a_level_without_collisions_is_multilinear_interpolation():
    extents = (7, 5, 12)
    torch.manual_seed(0)
    encoding = HashEncoding(extents, {0, 1, 2}, levels=3, table_size=1024, features=2).double()
    rows = np.array(list(itertools.product(*(range(n + 1) for n in extents))), dtype=np.float64)
    found = encode(encoding, [0, 0, 0], extents, rows).detach().numpy()
    for level, cells in enumerate((2, 5, 12)):
        resolutions = [min(cells, n) for n in extents]
        assert encoding.lattices[level].resolutions == tuple(resolutions)
        shape = [n + 1 for n in resolutions]
        table = encoding.tables[level].detach().numpy().reshape(*reversed(shape), 2).transpose(2, 1, 0, 3)
        axes = [np.linspace(0, n, count) for n, count in zip(extents, shape, strict=True)]
        expected = RegularGridInterpolator(axes, table)(rows)
        np.testing.assert_allclose(found[:, 2 * level : 2 * level + 2], expected, atol=1e-12)


def test_weights_sum_to_one_and_keys_stay_in_the_table():
    target = build_model("cifar10_cnn20")
    generator = UHN(UHNConfig(encoding="hash", hidden_dim=8), target.ranges())
    encoding = generator.index_encoding
    table = target.index_table()[::53]
    steps = encoding.steps(generator.index_normalizer(torch.as_tensor(table)))
    assert torch.equal(steps, torch.as_tensor(table - np.array(target.ranges().index_min)).long())
    for lattice in encoding.lattices:
        keys, weights = encoding.corners(lattice, steps, range(10))
        torch.testing.assert_close(weights.sum(dim=1), torch.ones(len(steps), dtype=torch.float64))
        assert weights.min() >= 0 and keys.min() >= 0 and keys.max() < lattice.entries
    assert [lattice.hashed for lattice in encoding.lattices] == [False] + 7 * [True]
    assert encoding.lattices[-1].resolutions[3:7] == (63, 64, 3, 3)


def test_hash_of_instant_ngp():
    """h(x) = xor of x_i pi_i, modulo the table size."""
    encoding = HashEncoding((100, 100), {0, 1}, levels=2, table_size=64, features=1)
    finest = encoding.lattices[1]
    assert finest.hashed and finest.resolutions == (100, 100)
    keys, weights = encoding.corners(finest, torch.tensor([[3, 5], [100, 7]]), (0, 1))
    primes = (805459861, 3674653429)
    assert keys.tolist() == [[((3 * primes[0]) ^ (5 * primes[1])) % 64], [((100 * primes[0]) ^ (7 * primes[1])) % 64]]
    assert weights.tolist() == [[1], [1]]


@pytest.mark.parametrize("level", [1, 4, 7])
def test_vertices_spread_as_if_at_random(level):
    """n balls into T bins fill T (1 - exp(-n / T)) of them; the standard deviation is below 0.3 sqrt(T)."""
    encoding = HashEncoding((19, 1, 1, 63, 64, 3, 3), range(3, 7), levels=8, table_size=4096, features=1)
    lattice = encoding.lattices[level]
    draws = torch.Generator().manual_seed(level)
    vertices = torch.stack([torch.randint(n + 1, (4096,), generator=draws) for n in lattice.resolutions], dim=1)
    vertices = torch.unique(vertices, dim=0)
    keys = torch.zeros(len(vertices), dtype=torch.int64)
    for field in range(7):
        keys = lattice.combine(keys, field, vertices[:, field])
    filled = len(torch.unique(keys & 4095))
    assert filled == pytest.approx(4096 * (1 - math.exp(-len(vertices) / 4096)), abs=5 * 0.3 * 64)


def test_tables_are_trained():
    target = build_model("kan_kv")
    torch.manual_seed(0)
    sizes = UHNConfig(encoding="hash", hidden_dim=4, blocks=1, hash_levels=2, hash_table_size=256, hash_features=2)
    generator = UHN(sizes, target.ranges()).double()
    assert generator.plan_of(target) is None
    rows = torch.as_tensor(target.index_table())[::17]
    table = generator.index_encoding.tables[1]
    generator.query(rows).sum().backward()
    entry = table.grad.abs().sum(dim=1).argmax().item()
    with torch.no_grad():
        sums = []
        for shift in (1e-6, -2e-6):
            table[entry, 0] += shift
            sums.append(generator.query(rows).sum().item())
    assert table.grad[entry, 0].item() == pytest.approx((sums[0] - sums[1]) / 2e-6, rel=1e-5)
    generator.zero_grad()
    generator.generate_scalars(target).sum().backward()  # through the recomputed chunks
    assert all(table.grad is not None and table.grad.any() for table in generator.index_encoding.tables)


@pytest.mark.parametrize(("model", "trainable"), [("cifar10_cnn20", 556_097), ("agnews_transformer2l", 595_713)])
def test_about_as_many_parameters_as_the_default(model, trainable):
    """At most 8 x 16,384 x 4 table numbers and a trunk of 71,425; fewer where a coarse level has fewer vertices."""
    ranges = build_model(model).ranges()
    counts = count_parameters(UHN(UHNConfig(encoding="hash"), ranges), 0)
    assert counts.trainable == trainable
    default = count_parameters(UHN(UHNConfig(), ranges), 0).trainable
    assert 0.9 < counts.trainable / default < 1.1
