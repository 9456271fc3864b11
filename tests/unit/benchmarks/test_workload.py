"""Targets of any size, and synthetic batches."""

import pytest
import torch

from uhn.benchmarks.workload import ConvStack, batch_loss, build_target


@pytest.mark.parametrize("name", ["mnist_mlp", "cora_gcn", "kan_ellipj"])
def test_synthetic_batches(name):
    target = build_target(name)
    loss = batch_loss(target)({key: value.detach().requires_grad_() for key, value in target.named_parameters()})
    assert loss.shape == () and loss.isfinite()


def test_stacks_have_the_sizes_their_names_say():
    target = build_target("conv3x8")
    assert isinstance(target, ConvStack)
    assert target.num_params == 3 * (8 * 8 * 9 + 8)
    assert target(torch.zeros(1, 8, 4, 4)).shape == (1, 8, 4, 4)
