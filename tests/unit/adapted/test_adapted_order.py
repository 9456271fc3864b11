"""Layers by registration or by call."""

import pytest
import torch
from torch import nn

import uhn


class Backwards(nn.Module):
    """Registers its layers in the reverse of the order in which it calls them."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Linear(5, 5)
        self.last = nn.Linear(3, 2)
        self.dropped = nn.Dropout(0.5)
        self.norm = nn.BatchNorm1d(3)
        self.first = nn.Linear(4, 3)

    def forward(self, x, scale=1.0):
        return self.last(self.dropped(self.norm(self.first(self.first.weight.sum() * 0 + x * scale))))


def layer_names(target):
    names = {}
    for placed in target.placed_components:
        names.setdefault(placed.grid.layer_idx, placed.name.rpartition(".")[0])
    return [names[idx] for idx in sorted(names)]


@pytest.mark.parametrize("inputs", [torch.ones(2, 4), (torch.ones(2, 4), 2.0), {"x": torch.ones(2, 4), "scale": 2.0}])
def test_by_call(inputs):
    module = Backwards()
    drawn = torch.random.get_rng_state()
    target = uhn.adapt(module, order="call", example_inputs=inputs)
    assert layer_names(target) == ["first", "norm", "last", "unused"]
    assert layer_names(uhn.adapt(module)) == ["unused", "last", "norm", "first"]
    assert torch.equal(torch.random.get_rng_state(), drawn)
    assert module.norm.num_batches_tracked == 0
    assert module.training
    assert not any(m._forward_pre_hooks for m in module.modules())
    assert [row[8] for row in target.structure_tokens()] == [0, 1, 2, 3]
    assert target.structure_tokens()[0, 13:15].tolist() == [3, 4]  # widths of the layer called first


def test_nothing_is_left_after_a_failure():
    module = Backwards()
    with pytest.raises(RuntimeError):
        uhn.adapt(module, order="call", example_inputs=torch.ones(2, 5))
    assert not any(m._forward_pre_hooks for m in module.modules())
