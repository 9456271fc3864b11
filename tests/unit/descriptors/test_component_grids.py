"""A grid and its materialised table say the same for every shape."""

from itertools import pairwise

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from uhn.descriptors.index import Axis, ComponentGrid, IndexField, materialise_index_table
from uhn.descriptors.vocabulary import DatasetType
from uhn.models.cnn import CNN, MLP, CNNConfig, MLPConfig
from uhn.models.kan import KAN, KANConfig

COUNTING_FIELDS = list(IndexField)[IndexField.OUT_IDX :]


@st.composite
def grids(draw):
    fields = draw(st.lists(st.sampled_from(COUNTING_FIELDS), max_size=4, unique=True))
    axes = tuple(Axis(field, draw(st.integers(0, 5))) for field in fields)
    ids = st.integers(0, 7)
    return ComponentGrid(draw(ids), draw(ids), draw(ids), axes)


@settings(deadline=None)
@given(grids())
def test_table_counts_row_major_over_the_axes(grid):
    rows = grid.materialise()
    extents = [axis.extent for axis in grid.axes]
    expected = np.full((*extents, 10), -1.0)
    expected[..., :3] = grid.layer_idx, grid.layer_type, grid.param_type
    for position, axis in enumerate(grid.axes):
        shape = [1] * len(extents)
        shape[position] = -1
        expected[..., axis.field] = np.arange(axis.extent).reshape(shape)
    assert len(grid) == len(rows)
    np.testing.assert_array_equal(rows, expected.reshape(-1, 10))


@settings(deadline=None)
@given(grids(), st.data())
def test_chunks_concatenate_to_the_whole(grid, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(grid)), max_size=4)))
    edges = [0, *cuts, len(grid)]
    chunks = [grid.materialise(start, stop) for start, stop in pairwise(edges)]
    np.testing.assert_array_equal(np.concatenate(chunks), grid.materialise())


@settings(deadline=None)
@given(st.lists(grids(), min_size=1, max_size=4))
def test_model_table_is_the_components_in_order(components):
    table = materialise_index_table(components)
    assert len(table) == sum(map(len, components))
    np.testing.assert_array_equal(table[: len(components[0])], components[0].materialise())


small_targets = st.one_of(
    st.builds(
        lambda sizes: MLP("mlp", MLPConfig(DatasetType.MNIST, sizes=tuple(sizes))),
        st.lists(st.integers(1, 6), min_size=2, max_size=4),
    ),
    st.builds(
        lambda depths, width: CNN(
            "cnn", CNNConfig(DatasetType.CIFAR10, 2, (1, *depths), (width, width, 2 * width, width), 3, group_num=1)
        ),
        st.lists(st.integers(1, 2), min_size=3, max_size=3),
        st.integers(1, 3),
    ),
    st.builds(
        lambda grid, order: KAN("kan", KANConfig(DatasetType.KV, (2, 3, 1), grid, order)),
        st.integers(1, 4),
        st.integers(1, 3),
    ),
)


@settings(max_examples=40, deadline=None)
@given(small_targets)
def test_unflatten_undoes_flattening(target):
    named = {name: torch.randn(p.shape) for name, p in target.named_parameters()}
    order = [placed.name for placed in target.placed_components]
    restored = target.unflatten(torch.cat([named[name].flatten() for name in order]))
    assert list(restored) == order and set(order) == set(named)
    for name, value in named.items():
        torch.testing.assert_close(restored[name], value, rtol=0, atol=0)


@settings(max_examples=40, deadline=None)
@given(small_targets)
def test_each_scalar_is_asked_for_once(target):
    table = target.index_table()
    assert len(np.unique(table, axis=0)) == len(table) == target.num_params
