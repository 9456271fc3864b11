"""Running statistics: of the batch, and estimated again."""

import pytest
import torch
from torch import nn

import uhn
from uhn.errors import UserError


def normed(norm=nn.BatchNorm1d):
    return nn.Sequential(nn.Linear(3, 4), norm(4), nn.Dropout(0.5), nn.Linear(4, 2))


def drawn(target):
    return target.unflatten(torch.randn(target.num_params))


def test_statistics_of_the_batch():
    module = normed()
    target = uhn.adapt(module, buffers="batch").eval()
    weights, x = drawn(target), torch.randn(16, 3)
    assert not target.buffers
    y = x @ weights["0.weight"].T + weights["0.bias"]
    y = (y - y.mean(0)) / torch.sqrt(y.var(0, correction=0) + 1e-5)
    y = (y * weights["1.weight"] + weights["1.bias"]) @ weights["3.weight"].T + weights["3.bias"]
    torch.testing.assert_close(target.run(weights, x), y)
    torch.testing.assert_close(target.materialise(weights)(x), y)
    assert module[1].track_running_stats
    target.recalibrate(weights, [x])  # nothing to estimate
    assert not target.buffers


def test_recalibrated_statistics_are_means_over_the_batches():
    module = normed()
    target = uhn.adapt(module)
    weights, batches = drawn(target), [torch.randn(8, 3) + shift for shift in range(3)]
    target.run(weights, 100 * batches[0])  # statistics that the estimate must forget
    momenta = [m.momentum for m in module.modules() if isinstance(m, nn.BatchNorm1d)]
    target.recalibrate(weights, batches)
    hidden = [x @ weights["0.weight"].T + weights["0.bias"] for x in batches]
    mean, var = (torch.stack(v).mean(0) for v in ([h.mean(0) for h in hidden], [h.var(0) for h in hidden]))
    torch.testing.assert_close(target.buffers["1.running_mean"], mean)
    torch.testing.assert_close(target.buffers["1.running_var"], var)
    assert target.training
    assert target.materialise(weights)[1].momentum == momenta[0] == 0.1
    assert (module[1].running_mean == 0).all()
    torch.testing.assert_close(target.materialise(weights)[1].running_mean, mean)


def test_norms_alone_are_in_training_mode_meanwhile():
    """Dropout is off: what the second norm sees is the same at any random state."""
    module = nn.Sequential(
        nn.Linear(3, 4), nn.Dropout(0.5), nn.InstanceNorm1d(4, affine=True, track_running_stats=True)
    )
    target = uhn.adapt(module)
    weights, x = drawn(target), torch.randn(2, 5, 4, 3)
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        target.recalibrate(weights, list(x))
        found.append(target.buffers["2.running_mean"])
    assert torch.equal(*found)
    hidden = x @ weights["0.weight"].T + weights["0.bias"]  # (batches, 5, 4, 4); instances are rows of channels
    torch.testing.assert_close(found[0], hidden.mean(dim=(0, 1, 3)))


def test_as_before_after_an_exception():
    target = uhn.adapt(normed()).eval()
    weights = drawn(target)
    before = {name: buffer.clone() for name, buffer in target.buffers.items()}

    def batches():
        yield torch.randn(8, 3)
        raise OSError("no more data")

    with pytest.raises(OSError, match="no more data"):
        target.recalibrate(weights, batches())
    with pytest.raises(UserError, match="at least one batch"):
        target.recalibrate(weights, [])
    assert not target.training
    assert all(torch.equal(target.buffers[name], buffer) for name, buffer in before.items())
    assert target.materialise(weights)[1].momentum == 0.1
