"""All variants compute what the generator computes."""

import pytest
import torch

from uhn.benchmarks.variants import VARIANTS, make_generate
from uhn.benchmarks.workload import ConvStack, build_target, generator_config
from uhn.configuration.generators import GenerationConfig
from uhn.hypernetworks.uhn import UHN

TARGETS = ["kan_kv", "conv1x32"]


def values_and_gradients(generator, generate):
    generator.zero_grad(set_to_none=True)
    scalars = generate()
    torch.manual_seed(1)
    scalars.backward(torch.randn(len(scalars), dtype=torch.float64).to(scalars.dtype))
    return [scalars.detach(), *(p.grad for p in generator.parameters())]


def build(variant, target, dtype, frequencies=256):
    torch.manual_seed(0)
    config = generator_config(target, frequencies=frequencies, hidden_dim=32)
    return UHN(config, target.ranges(), GenerationConfig(first_layer=VARIANTS[variant])).to(dtype)


def largest_errors(variant, name, dtype):
    """Return the relative errors of values and gradients against features from the index table in float64."""
    target = build_target(name)
    oracle = build("released", target, torch.float64)
    expected = values_and_gradients(oracle, lambda: torch.cat([w.flatten() for w in oracle.reference(target).values()]))
    generator = build(variant, target, dtype)
    found = values_and_gradients(generator, make_generate(variant, generator, target))
    values, *gradients = (
        ((ours - theirs).norm() / theirs.norm()).item() for ours, theirs in zip(found, expected, strict=True)
    )
    return values, max(gradients)


@pytest.mark.parametrize("variant", ["released", "dense", "separable"])
@pytest.mark.parametrize("name", TARGETS)
def test_exact_variants_in_float64(name, variant):
    assert max(largest_errors(variant, name, torch.float64)) < 1e-10


# Gradients of the larger target are of a random functional: a handful of rectifiers that switch dominate them.
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("name", "gradient_tolerance"), [("kan_kv", 1e-4), ("conv1x32", 0.05)])
def test_all_variants_in_float32(name, gradient_tolerance, variant):
    values, gradients = largest_errors(variant, name, torch.float32)
    assert values < 1e-4 and gradients < gradient_tolerance


def test_released_can_leave_out_rows():
    target = build_target("kan_kv")
    generator = build("released", target, torch.float32)
    some = make_generate("released", generator, target, every=3)()
    torch.testing.assert_close(some, generator.generate_scalars(target)[::3], rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match="only 'released'"):
        make_generate("auto", generator, target, every=3)


def test_stacks_have_the_sizes_their_names_say():
    target = build_target("conv3x8")
    assert isinstance(target, ConvStack)
    assert target.num_params == 3 * (8 * 8 * 9 + 8)
    assert target(torch.zeros(1, 8, 4, 4)).shape == (1, 8, 4, 4)
