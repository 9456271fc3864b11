"""The schedule against its published values and torch's own schedulers; phases by hand."""

import pytest
import torch

from uhn.training.phases import Phase, warmup_cosine


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


def test_a_schedule_in_epochs_moves_once_per_epoch():
    """Three epochs of four steps, one of them warm-up: 1/2 of the peak, the peak, then (1 + cos(pi / 2)) / 2 of it."""
    phase = Phase("train", 12, 0.2, 1, steps_per_epoch=4)
    assert [phase.learning_rate(step) for step in range(12)] == pytest.approx([0.1] * 4 + [0.2] * 4 + [0.1] * 4)
    steps = Phase("train", 3, 0.2, 1)
    assert [steps.learning_rate(step) for step in range(3)] == pytest.approx([0.1, 0.2, 0.1])


def test_means_are_over_epochs_or_fiftieths_of_training():
    assert Phase("train", 1200, 0.1, 0, steps_per_epoch=12).steps_per_mean == 12
    assert Phase("train", 1200, 0.1, 0).steps_per_mean == 24
    assert Phase("train", 30, 0.1, 0).steps_per_mean == Phase("init", 1200, 0.1, 0).steps_per_mean == 1


def test_names_tell_the_levels_of_a_chain():
    names = [Phase(kind, 1, 0.1, 0, level=level).name for level in (None, 0, 2) for kind in ("init", "train")]
    assert names == ["init", "train", "init_0", "train", "init_2", "train"]
