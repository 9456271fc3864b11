"""Every class of torch.nn that has parameters: adapted, generated, run, loaded back."""

import copy
import inspect
import warnings

import numpy as np
import pytest
import torch
from torch import nn
from torch_modules import CASES

import uhn
from uhn.configuration.generators import UHNConfig
from uhn.hypernetworks.uhn import UHN

CONFIG = UHNConfig(index_frequencies=16, hidden_dim=8, blocks=1)


def outputs_of(result):
    """All tensors of floating-point numbers in what a module returns."""
    if isinstance(result, torch.Tensor):
        return [result] if result.is_floating_point() else []
    return [tensor for part in result if part is not None for tensor in outputs_of(part)]


def loss_of(result):
    """A function of all outputs that no norm makes constant."""
    outputs = outputs_of(result)
    generator = torch.Generator().manual_seed(3)
    return sum((torch.randn(y.shape, generator=generator) * torch.sin(y + 0.3)).sum() for y in outputs)


def state_of(module):
    """What must not change: tensors, their identity, flags, modes."""
    tensors = [(n, id(t), t.clone(), t.requires_grad, t.grad) for n, t in module.state_dict(keep_vars=True).items()]
    return tensors, [(name, m.training, len(m._forward_pre_hooks)) for name, m in module.named_modules()]


def assert_untouched(module, before):
    (tensors, modes), (now, modes_now) = before, state_of(module)
    assert modes == modes_now
    assert [t[:2] + t[3:] for t in tensors] == [t[:2] + t[3:] for t in now]
    assert all(torch.equal(t[2], n[2]) for t, n in zip(tensors, now, strict=True))


@pytest.mark.parametrize("name", CASES)
def test_class_of_torch_with_parameters(name):
    case = CASES[name]
    torch.manual_seed(1)
    module, inputs = case.build(), case.inputs()
    before, drawn = state_of(module), torch.random.get_rng_state()
    target = uhn.adapt(module)
    assert torch.equal(torch.random.get_rng_state(), drawn)

    parameters = dict(module.named_parameters())
    assert target.num_params == sum(p.numel() for p in parameters.values())
    assert len(np.unique(target.index_table(), axis=0)) == target.num_params
    assert list(target.shapes) == list(parameters)
    again = target.unflatten(target.flatten(parameters))
    assert all(torch.equal(again[n], parameters[n]) and again[n].dtype == parameters[n].dtype for n in parameters)

    generator = UHN(CONFIG, target.ranges())
    weights = generator(target)
    assert all(torch.equal(w, v) for w, v in zip(weights.values(), generator(target).values(), strict=True))
    scalars = torch.randn(target.num_params).mul_(0.5).requires_grad_()
    loss_of(target.run(target.unflatten(scalars), *inputs)).backward()
    components = scalars.grad.split([len(placed.grid) for placed in target.placed_components])
    for placed, gradient in zip(target.placed_components, components, strict=True):
        if not placed.name.endswith(case.without_gradient or "?"):
            assert (gradient.isfinite() & (gradient != 0)).all(), f"no gradient at some of {placed.name}"
    loss_of(target.run(weights, *inputs)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in generator.parameters())

    state = target.materialise(weights).state_dict()
    copy.deepcopy(module).load_state_dict(state, strict=True)
    assert all(torch.equal(state[n], w) for n, w in weights.items())
    with pytest.raises((RuntimeError, TypeError, ValueError, AttributeError)):
        target.run(weights, object())
    assert_untouched(module, before)


@pytest.mark.parametrize("name", [name for name in CASES if name != "SyncBatchNorm"])
def test_runs_as_the_module_itself(name):
    case = CASES[name]
    torch.manual_seed(2)
    module, inputs = case.build(), case.inputs()
    target = uhn.adapt(module)
    weights = {n: torch.randn_like(p) for n, p in module.named_parameters()}
    with torch.no_grad():
        for mode in (True, False):  # with the statistics of the first pass in the second
            found = outputs_of(target.train(mode).run(weights, *inputs))
            for parameter, w in zip(module.parameters(), weights.values(), strict=True):
                parameter.copy_(w)
            expected = outputs_of(module.train(mode)(*inputs))
            torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
        materialised = outputs_of(target.materialise(weights)(*inputs))
        torch.testing.assert_close(materialised, found, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in CASES if name != "SyncBatchNorm"])
def test_run_many_equals_the_loop(name):
    case = CASES[name]
    torch.manual_seed(3)
    module, inputs = case.build().eval(), case.inputs()
    target = uhn.adapt(module)
    sets = [target.unflatten(torch.randn(target.num_params)) for _ in range(2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        together = outputs_of(target.run_many(sets, *inputs))
    for position, weights in enumerate(sets):
        alone = outputs_of(target.run(weights, *inputs))
        torch.testing.assert_close([y[position] for y in together], alone, rtol=1e-4, atol=1e-5)


# Arguments that build the classes without parameters.
TRIALS = [(), (1,), (2, 2), (2, 2, 2), ((2, 2), 2), (1, (1, 1)), ("a",)]
ABSTRACT = {"RNNBase", "RNNCellBase", "Container", "DataParallel"}


def test_no_class_with_parameters_is_left_out():
    left = []
    for name, cls in vars(nn).items():
        if not (inspect.isclass(cls) and issubclass(cls, nn.Module)) or name in CASES or name in ABSTRACT:
            continue
        if issubclass(cls, nn.modules.lazy.LazyModuleMixin):
            continue  # see test_adapted_checks.py
        built = None
        for arguments in TRIALS:
            try:
                built = cls(*arguments)
                break
            except (TypeError, ValueError, AssertionError, AttributeError):
                continue
        if built is None or any(True for _ in built.parameters()):
            left.append(name)
    assert not left
