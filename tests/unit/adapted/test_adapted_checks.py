"""What is refused, in one line that names it and the remedy."""

import pytest
import torch
from torch import nn

import uhn
from uhn.errors import UserError


class Holding(nn.Module):
    """One parameter, whatever it is."""

    def __init__(self, tensor, requires_grad=True):
        super().__init__()
        self.inner = nn.Module()
        self.inner.held = nn.Parameter(tensor, requires_grad=requires_grad)


def not_finite():
    module = nn.Linear(2, 2)
    nn.init.constant_(module.bias, float("nan"))
    return module


def quantised():
    return torch.ao.nn.quantized.dynamic.Linear(2, 2)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (nn.ReLU, "ReLU has no parameters"),
        (lambda: nn.Linear(2, 2).requires_grad_(False), "Linear has only frozen parameters; set requires_grad"),
        (lambda: nn.Sequential(nn.LazyLinear(3)), "'0.weight' of Sequential .*run one forward pass first"),
        (lambda: nn.LazyBatchNorm1d(), "run one forward pass first"),
        (lambda: Holding(torch.zeros((1,) * 8)), "'inner.held' has 8 dimensions; .*7 at most"),
        (lambda: Holding(torch.zeros(2, dtype=torch.int8), False), "'inner.held' is of type torch.int8; .*buffer"),
        (lambda: Holding(torch.eye(2).to_sparse()), "'inner.held' is sparse .*to_dense"),
        (not_finite, "'bias' holds infinite or undefined values"),
        (lambda: nn.Linear(2, 2, device="meta"), "'weight' is on the device meta"),
        (lambda: nn.Sequential(quantised()), "module '0' is quantised"),
    ],
)
def test_refused_with_the_remedy(build, message):
    with pytest.raises(UserError, match=message) as caught:
        uhn.adapt(build())
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_no_module_of_the_users():
    for wrong, message in [
        (nn.Linear, "got the class Linear"),
        (lambda x: x, "got function"),
        (torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), "adapt the Python module"),
        (nn.DataParallel.__new__(nn.DataParallel), "adapt its .module"),
    ]:
        with pytest.raises(TypeError, match=message):
            uhn.adapt(wrong)


@pytest.mark.slow
def test_compiled_modules():
    with pytest.raises(TypeError, match=r"adapt its \._orig_mod"):
        uhn.adapt(torch.compile(nn.Linear(2, 2)))


def test_lazy_modules_after_a_forward_pass():
    module = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
    module(torch.zeros(2, 3, 5, 5))
    assert uhn.adapt(module).num_params == 4 * 3 * 9 + 4 + 8 + 36 * 2 + 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"order": "depth"}, "expected 'registration' or 'call', got 'depth'"),
        ({"order": "call"}, "expected example_inputs"),
        ({"example_inputs": torch.zeros(1, 2)}, "expected example_inputs with order='call', and only then"),
        ({"buffers": "module"}, "buffers: expected one of per_target, batch, got 'module'"),
    ],
)
def test_options_that_do_not_exist(options, message):
    with pytest.raises(UserError, match=message):
        uhn.adapt(nn.Linear(2, 2), **options)


def test_modules_that_cannot_be_copied():
    class Locked(nn.Linear):
        def __init__(self):
            super().__init__(2, 2)
            self.stream = (value for value in range(3))

    with pytest.raises(UserError, match=r"Locked: copy\.deepcopy fails"):
        uhn.adapt(Locked())
