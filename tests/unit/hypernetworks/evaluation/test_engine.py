"""However generation is evaluated, it is the function that `UHN.reference` states: forward and gradients agree."""

import pytest
import torch

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.hypernetworks.uhn import UHN
from uhn.models.registry import build_model

CONFIG = UHNConfig(index_frequencies=8, hidden_dim=8, structure_encoder=True)


def make_case(generation):
    """An untrained generator in float64, and a target of 33,779 scalars."""
    target = build_model("pubmed_gat")
    torch.manual_seed(0)
    generator = UHN(CONFIG, target.ranges(), generation).double()
    torch.nn.init.normal_(generator.structure_encoder.readout.weight, std=0.1)  # starts at zero
    return generator, target


def flat_gradients(generator, weights):
    """The weights and all gradients of a fixed functional of them, in order."""
    generator.zero_grad()
    scalars = torch.cat([w.flatten() for w in weights.values()])
    scalars.square().mean().backward()
    return [scalars.detach(), *(p.grad.clone() for p in generator.parameters())]


@pytest.fixture(scope="module")
def reference():
    generator, target = make_case(GenerationConfig())
    return flat_gradients(generator, generator.reference(target))


@pytest.mark.parametrize("route", ["auto", "dense", "separable", "reference"])
@pytest.mark.parametrize("memory_mb", [4096, 1])
def test_exact_evaluations_change_nothing(reference, route, memory_mb):
    generator, target = make_case(GenerationConfig(route, memory_mb=memory_mb, cache_mb=1))
    found = flat_gradients(generator, generator(target))
    queries = generator.engine.prepare(target).queries
    assert route == "reference" or (len(queries.groups) > 1) == (memory_mb == 1)
    assert len(found) == len(reference) > 20
    for ours, expected in zip(found, reference, strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("tolerance", [1e-5, 1e-7])
def test_the_structured_evaluation_stays_within_its_tolerance(reference, tolerance):
    generator, target = make_case(GenerationConfig("structured", tolerance))
    found = flat_gradients(generator, generator(target))
    assert "structured" in {r.route for r in generator.plan_of(target).report()}
    # the first layer is off by the tolerance; in a trunk this narrow a few flipped ReLUs amplify it in gradients
    for ours, expected in zip(found, reference, strict=True):
        assert (ours - expected).norm() <= 200 * tolerance * expected.norm()


def test_loading_weights_forgets_plans_made_from_other_frequencies():
    target = build_model("kan_kv")
    one, other = (UHN(CONFIG, target.ranges()) for _ in range(2))
    expected = one.generate_scalars(target)
    assert not torch.equal(other.generate_scalars(target), expected)
    other.load_state_dict(one.state_dict())
    assert torch.equal(other.generate_scalars(target), expected)


def test_another_type_is_prepared_anew():
    target = build_model("kan_kv")
    generator = UHN(CONFIG, target.ranges())
    generator(target)
    generator.double()
    for name, w in generator(target).items():
        torch.testing.assert_close(w, generator.reference(target)[name], rtol=1e-10, atol=1e-12)
