"""Generators of a run: drawn from the run seed, for the models of its setting."""

from dataclasses import replace

import pytest
import torch

from uhn.configuration.resolve import load_experiment, resolve
from uhn.errors import UserError
from uhn.training.build import build_generator
from uhn.training.targets import TargetSet


@pytest.mark.parametrize("variant", ["direct", "ha", "chunked"])
def test_methods_for_one_model_refuse_a_family(variant):
    config = resolve(load_experiment("cifar10_cnn20"), variant, 1, "demo")
    family = resolve(load_experiment("cnn_mixed_depth"), "uhn", 1, "demo").tasks
    config = replace(config, setting="mine", tasks=family)
    with pytest.raises(UserError, match=rf"mine/{variant}/seed1: method '{variant}' holds the weights of one target"):
        build_generator(config, [TargetSet(family[0], "final", {})])


@pytest.mark.parametrize(
    ("setting", "variant"), [("mnist_mlp", "uhn"), ("mnist_mlp", "direct"), ("recursion_k1", "uhn")]
)
def test_a_generator_is_drawn_from_its_own_stream(setting, variant):
    """The seed decides; what was drawn or built before does not, and the global stream stays where it is."""
    config = resolve(load_experiment(setting), variant, 21962, "demo")
    targets = [TargetSet(config.tasks[0], "final", {})]
    states = []
    for noise in (0, 5):  # at the second time the target is there already
        torch.manual_seed(noise)
        states.append(clone(build_generator(config, targets)))
    before = torch.get_rng_state()
    build_generator(config, targets)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(states[0].values(), states[1].values(), strict=True))
    other = build_generator(replace(config, seed=1), targets).state_dict()
    assert any(not torch.equal(a, b) for a, b in zip(states[0].values(), other.values(), strict=True))


def clone(generator):
    return {name: tensor.clone() for name, tensor in generator.state_dict().items()}


def test_a_mixture_has_the_union_of_its_ranges():
    config = resolve(load_experiment("multi_task"), "uhn", 21962, "demo")
    targets = [TargetSet(task, "final", {}) for task in config.tasks]
    config = replace(config, hypernetwork=replace(config.hypernetwork, index_frequencies=4, hidden_dim=4))
    ranges = build_generator(config, targets).ranges
    parts = [one.ranges() for one in targets]
    for edge, pick in (("min", min), ("max", max)):
        for kind in ("index", "structure"):
            columns = zip(*(getattr(part, f"{kind}_{edge}") for part in parts), strict=True)
            assert getattr(ranges, f"{kind}_{edge}") == tuple(map(pick, columns))
