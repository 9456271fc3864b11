"""The schedule against its published values and torch's own schedulers."""

import pytest
import torch

from uhn.training.schedules import warmup_cosine


def test_published_values():
    values = [warmup_cosine(t, 100, 5) for t in range(100)]
    assert values[:6] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1.0])
    assert values[6] == pytest.approx(0.99973, abs=5e-6)
    assert values[-1] == pytest.approx(0.000273, abs=5e-7)


@pytest.mark.parametrize(("total", "warmup"), [(40, 5), (200, 0), (30, 12)])
def test_equals_torch_schedulers(total, warmup):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=total - warmup)
    schedule = cosine
    if warmup:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        linear = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1 / (warmup + 1), total_iters=warmup)
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=total - warmup)
        schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [linear, cosine], milestones=[warmup])
    for t in range(total):
        assert warmup_cosine(t, total, warmup) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-9)
        optimizer.step()
        schedule.step()
