"""All routes compute what the generator computes."""

import pytest
import torch

from uhn.benchmarks.routes import ROUTES, make_generate
from uhn.benchmarks.workload import build_target, generator_config
from uhn.hypernetworks.uhn import UHN

TARGETS = ["kan_kv", "conv1x32"]
CPU_ROUTES = [name for name, route in ROUTES.items() if "cpu" in route.devices]


def values_and_gradients(generator, generate):
    generator.zero_grad(set_to_none=True)
    scalars = generate()
    torch.manual_seed(1)
    scalars.backward(torch.randn(len(scalars), dtype=torch.float64).to(scalars.dtype))
    return [scalars.detach(), *(p.grad for p in generator.parameters())]


def build(route, target, dtype, frequencies=256):
    torch.manual_seed(0)
    config = generator_config(target, frequencies=frequencies, hidden_dim=32)
    return UHN(config, target.ranges(), ROUTES[route].generation).to(dtype)


def largest_errors(route, name, dtype):
    """Return the relative errors of values and gradients against features from the index table in float64."""
    target = build_target(name)
    oracle = build("released", target, torch.float64)
    expected = values_and_gradients(oracle, lambda: torch.cat([w.flatten() for w in oracle.reference(target).values()]))
    generator = build(route, target, dtype)
    found = values_and_gradients(generator, make_generate(route, generator, target))
    values, *gradients = (
        ((ours - theirs).norm() / theirs.norm()).item() for ours, theirs in zip(found, expected, strict=True)
    )
    return values, max(gradients)


@pytest.mark.parametrize("route", ["released", "dense", "separable"])
@pytest.mark.parametrize("name", TARGETS)
def test_exact_routes_in_float64(name, route):
    assert max(largest_errors(route, name, torch.float64)) < 1e-10


# Gradients of the larger target are of a random functional: a handful of rectifiers that switch dominate them.
@pytest.mark.parametrize("route", CPU_ROUTES)
@pytest.mark.parametrize(("name", "gradient_tolerance"), [("kan_kv", 1e-4), ("conv1x32", 0.05)])
def test_all_routes_in_float32(name, gradient_tolerance, route):
    values, gradients = largest_errors(route, name, torch.float32)
    assert values < 1e-4 and gradients < gradient_tolerance


def test_released_can_leave_out_rows():
    target = build_target("kan_kv")
    generator = build("released", target, torch.float32)
    some = make_generate("released", generator, target, every=3)()
    torch.testing.assert_close(some, generator.generate_scalars(target)[::3], rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match="only 'released'"):
        make_generate("auto", generator, target, every=3)
