"""The pretended GPU notices what it is there for."""

import pytest
import torch
import torch.nn.functional as F


@pytest.fixture
def there(pretend_gpu):
    tensor = torch.arange(6.0).view(2, 3).to(pretend_gpu.device)
    pretend_gpu.waits.clear()
    return tensor


WAITING = {
    "item": lambda t: t.sum().item(),
    "float": lambda t: float(t[0, 0]),
    "truth": lambda t: bool(t.sum() > 0),
    "list": lambda t: t.tolist(),
    "download": lambda t: t.cpu(),
    "upload": lambda t: torch.ones(3).to(t.device),
    "constant": lambda t: torch.tensor([1.0, 2.0], device=t.device),
    "copy": lambda t: t.copy_(torch.ones(2, 3)),
    "mask": lambda t: t[t > 2],
    "nonzero": lambda t: t.nonzero(),
    "unique": lambda t: t.unique(),
}
QUIET = {
    "product": lambda t: t @ t.T,
    "number": lambda t: t * torch.tensor(2.0),
    "fill": lambda t: torch.full((3,), 2.0, device=t.device),
    "where": lambda t: torch.where(t > 2, t, 0.0),
    "gather": lambda t: t[torch.zeros(2, dtype=torch.int64, device=t.device)],
    "upload without a wait": lambda t: torch.ones(3).to(t.device, non_blocking=True),
    "in place": lambda t: t.add_(1),
}


@pytest.mark.parametrize("name", WAITING)
def test_waits_are_written_down(there, pretend_gpu, name):
    WAITING[name](there)
    assert pretend_gpu.waits


@pytest.mark.parametrize("name", QUIET)
def test_what_does_not_wait_is_not(there, pretend_gpu, name):
    QUIET[name](there)
    assert not pretend_gpu.waits


@pytest.mark.parametrize(
    "mix",
    [lambda t: t + torch.ones(2, 3), lambda t: t @ torch.ones(3, 1), lambda t: torch.cat([t, torch.ones(1, 3)])],
)
def test_two_devices_do_not_mix(there, mix):
    with pytest.raises(RuntimeError, match="expected all tensors on one device"):
        mix(there)


def test_an_operation_in_place_is_seen_through_views(there):
    view = there[0]
    assert view.mul_(10) is view
    assert there.tolist() == [[0, 10, 20], [3, 4, 5]]


def test_gradients_are_those_of_the_cpu(there):
    weight = torch.tensor([[1.0, -1.0, 0.5]])
    expected, found = (w.clone().requires_grad_() for w in (weight, weight.to(there.device)))
    F.linear(there.cpu(), expected).square().sum().backward()
    F.linear(there, found).square().sum().backward()
    assert found.grad.device == there.device and torch.equal(found.grad.cpu(), expected.grad)


def test_autocast_rounds_as_cuda_does(there):
    half = there.half()
    with torch.autocast(there.device.type, torch.float16):
        assert (there @ there.T).dtype == torch.float16
        for widened in (half.sum(), half.softmax(0), half.exp(), F.mse_loss(half, half), F.layer_norm(half, (3,))):
            assert widened.dtype == torch.float32
        assert torch.addcmul(half, there, half).dtype == torch.float32
        assert (half + half).dtype == torch.float16
    assert (half @ half.T).dtype == torch.float16
