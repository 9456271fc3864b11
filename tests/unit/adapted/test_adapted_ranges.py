"""Ranges of any targets, and headroom."""

import numpy as np
import pytest
from torch import nn

import uhn
from uhn.adapted.ranges import ranges_of, with_headroom
from uhn.configuration.generators import UHNConfig
from uhn.descriptors.normalization import union
from uhn.errors import UserError
from uhn.hypernetworks.uhn import UHN
from uhn.models.registry import build_model, model_names


@pytest.mark.parametrize("name", model_names())
def test_index_ranges_of_the_papers_models_follow_from_their_rows(name):
    model = build_model(name)
    found = ranges_of([p.grid for p in model.placed_components], model.structure_tokens())
    stated = model.ranges()
    assert (found.index_min, found.index_max) == (stated.index_min, stated.index_max)


def test_columns_by_hand():
    found = uhn.adapt(nn.Sequential(nn.Conv1d(3, 8, 5), nn.LayerNorm(4))).ranges()
    #                         layer type param out in  kh  kw emb seq grid
    assert found.index_min == (0, 8, 0, 0, -1, -1, -1, -1, -1, -1)
    assert found.index_max == (1, 14, 1, 7, 2, -1, 4, -1, -1, -1)
    tokens = uhn.adapt(nn.Sequential(nn.Conv1d(3, 8, 5), nn.LayerNorm(4))).structure_tokens()
    assert (np.array(found.structure_min) <= tokens.min(0)).all()
    assert (np.array(found.structure_max) >= tokens.max(0)).all()


def test_outside_the_ranges_is_refused_until_they_are_widened():
    small, large = (uhn.adapt(nn.Sequential(nn.Linear(w, w), nn.Linear(w, w))) for w in (4, 9))
    config = UHNConfig(index_frequencies=8, hidden_dim=4, blocks=1)
    with pytest.raises(UserError, match="out_idx: expected values in"):
        UHN(config, small.ranges())(large)
    for ranges in (union([small.ranges(), large.ranges()]), with_headroom(small.ranges(), out_idx=8, in_idx=8)):
        assert UHN(config, ranges)(large)["1.bias"].shape == (9,)
    lower = with_headroom(large.ranges(), out_idx=3, output_size=20)
    assert lower.index_max == large.ranges().index_max
    assert max(lower.structure_max) == 20
    with pytest.raises(UserError, match="no descriptor column 'width'"):
        with_headroom(small.ranges(), width=8)
