"""The recursive chain against generations composed by hand from plain modules and explicit features, in float64."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.func import functional_call

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.descriptors.vocabulary import DatasetType
from uhn.errors import UserError
from uhn.hypernetworks.chain import RecursiveChain, chain_ranges
from uhn.hypernetworks.counting import count_parameters
from uhn.hypernetworks.uhn import UHN
from uhn.models.cnn import MLP, MLPConfig
from uhn.models.generated_uhn import GeneratedUHN, GeneratedUHNConfig
from uhn.models.registry import build_model
from uhn.models.settings import setting_ranges

ROOT = UHNConfig(index_frequencies=16, hidden_dim=16, structure_frequencies=4, structure_encoder=True)
INNER = GeneratedUHNConfig(index_frequencies=16, structure_frequencies=4, hidden_dim=12)
EXACT = GenerationConfig(first_layer="dense")


def make_leaf(inputs=300):
    """An MLP; with 300 inputs its 4,986 scalars go through the fused trunks."""
    return MLP("leaf", MLPConfig(DatasetType.MNIST, sizes=(inputs, 16, 10)))


def make_chain(depth, leaf, generation=EXACT, seed=0):
    torch.manual_seed(seed)
    chain = RecursiveChain(ROOT, INNER, depth, chain_ranges(INNER, leaf), generation).double()
    with torch.no_grad():  # starts at zero, which would hide the root's encoder
        chain.root.structure_encoder.readout.weight.normal_(std=0.3)
    return chain


def encode(rows, lowest, highest, frequencies):
    """``[cos zW, sin zW]`` of normalised rows; ranges are float32 constants of the generator."""
    low, high = np.float32(lowest), np.float32(highest)
    middle, variance = ((low + high) / 2).astype(np.float64), ((high - low) ** 2 / np.float32(12)).astype(np.float64)
    phases = (rows - middle) / np.sqrt(variance + 1e-5) @ frequencies.double().numpy()
    return torch.from_numpy(np.concatenate([np.cos(phases), np.sin(phases)], axis=1))


def compose_by_hand(chain, leaf, depth):
    """All levels' weights: the root's plain trunk, then the ordinary module with substituted weights, no shortcuts."""
    root, ranges = chain.root, chain.root.ranges
    inner = GeneratedUHN("generated_uhn", INNER).double()

    def queries(target):
        index = encode(target.index_table(), ranges.index_min, ranges.index_max, root.index_encoding.frequencies)
        tokens = target.structure_tokens().astype(np.float32).astype(np.float64)
        structure = encode(tokens, ranges.structure_min, ranges.structure_max, root.structure_encoding.frequencies)
        return structure, index

    targets = [inner] * depth + [leaf]
    structure, index = queries(targets[0])
    levels = [targets[0].unflatten(root.trunk(index, root.structure_encoder(structure)))]
    for target in targets[1:]:
        structure, index = queries(target)
        scalars = functional_call(inner, levels[-1], (structure[None], index), strict=True)
        levels.append(target.unflatten(scalars))
    return levels


def gradients(chain, weights):
    """Gradients, of every parameter of the root, of a random functional of some weights."""
    generator = torch.Generator().manual_seed(1)
    loss = sum((w * torch.randn(w.shape, generator=generator, dtype=w.dtype)).sum() for w in weights.values())
    names, parameters = zip(*chain.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))


def assert_close(actual, expected, tolerance):
    assert actual.keys() == expected.keys()
    for name in expected:
        if expected[name].numel():
            error = (actual[name] - expected[name]).norm() / expected[name].norm()
            assert error <= tolerance, f"{name}: {error:.1e}"


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize(
    "generation, tolerance",
    [
        (EXACT, 1e-11),
        (GenerationConfig(first_layer="reference"), 1e-11),
        (GenerationConfig(first_layer="separable"), 1e-11),
        (GenerationConfig(first_layer="structured", tolerance=1e-6), 1e-4),
        (GenerationConfig(), 1e-11),
    ],
    ids=lambda value: getattr(value, "first_layer", None),
)
def test_equals_the_composition_by_hand(depth, generation, tolerance):
    leaf = make_leaf()
    chain = make_chain(depth, leaf, generation)
    levels = compose_by_hand(chain, leaf, depth)
    weights = chain(leaf)
    assert_close(weights, levels[-1], tolerance)
    expected = gradients(chain, levels[-1])
    assert all(grad.norm() > 0 for grad in expected.values())
    assert_close(gradients(chain, weights), expected, tolerance)


@pytest.mark.parametrize("memory_mb", [1, 5])  # groups below and above the size from which trunks are fused
def test_generation_in_groups_composes_through_the_chain(memory_mb):
    leaf = make_leaf(700)
    chain = make_chain(2, leaf, replace(EXACT, memory_mb=memory_mb))
    levels = compose_by_hand(chain, leaf, 2)
    weights = chain(leaf)
    assert len(chain.root.engine.prepare(leaf).queries.groups) > 1
    assert_close(weights, levels[-1], 1e-11)
    assert_close(gradients(chain, weights), gradients(chain, levels[-1]), 1e-11)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_every_level_is_the_one_that_the_chain_goes_through(level):
    leaf = make_leaf()
    chain = make_chain(2, leaf)
    target, weights = chain.generate_level(leaf, level)
    expected = compose_by_hand(chain, leaf, 2)[level]
    assert target is (leaf if level == 2 else chain.inner)
    assert_close(weights, expected, 1e-11)
    assert_close(gradients(chain, weights), gradients(chain, expected), 1e-11)
    if level == 2:
        assert all(torch.equal(weights[name], w) for name, w in chain(leaf).items())


def test_deeper_levels_are_not_computed():
    chain = make_chain(2, make_leaf())
    outside = make_leaf(400)  # its queries would be refused
    assert [target.name for target, _ in map(lambda k: chain.generate_level(outside, k), (0, 1))] == [
        "generated_uhn",
        "generated_uhn",
    ]
    with pytest.raises(UserError, match="in_idx"):
        chain.generate_level(outside, 2)


def test_depth_0_is_the_root_alone():
    leaf = make_leaf()
    chain = make_chain(0, leaf)
    alone = UHN(ROOT, chain_ranges(INNER, leaf), EXACT).double()
    alone.load_state_dict(chain.root.state_dict())
    assert all(torch.equal(chain(leaf)[name], w) for name, w in alone(leaf).items())
    assert not any(torch.equal(chain(leaf)[name], w) for name, w in make_chain(1, leaf)(leaf).items())


def test_a_seed_decides_everything():
    leaf = make_leaf()
    one, same, other = (make_chain(1, leaf, seed=seed) for seed in (5, 5, 6))
    weights = one(leaf)
    assert all(torch.equal(weights[name], w) for name, w in same(leaf).items())
    found, expected = gradients(same, same(leaf)), gradients(one, weights)
    assert all(torch.equal(found[name], grad) for name, grad in expected.items())
    assert not any(torch.equal(w, weights[name]) for name, w in other(leaf).items())


def test_a_loaded_chain_generates_the_same():
    leaf = make_leaf()
    one, other = make_chain(1, leaf, seed=0), make_chain(1, leaf, seed=1)
    other(leaf)
    other.load_state_dict(one.state_dict())
    assert all(torch.equal(other(leaf)[name], w) for name, w in one(leaf).items())


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_counts_at_the_papers_sizes(depth):
    leaf = build_model("mnist_mlp")
    config = UHNConfig(index_frequencies=1024, hidden_dim=64, structure_encoder=True)
    with torch.device("meta"):
        chain = RecursiveChain(config, GeneratedUHNConfig(), depth, setting_ranges("recursion"))
    counts = count_parameters(chain, leaf.num_params)
    assert (counts.target, counts.trainable, counts.printed) == (118_282, 181_889, 193_135)
    assert chain.inner.num_params == 181_121


def test_ranges_are_those_of_the_setting():
    leaf = build_model("mnist_mlp")
    assert chain_ranges(GeneratedUHNConfig(), leaf) == setting_ranges("recursion")
    ranges = chain_ranges(INNER, leaf)
    assert ranges.index_max[:5] == (10, 5, 7, 127, 783) and ranges.index_min[:5] == (0, 0, 0, 0, -1)


@pytest.mark.parametrize(
    "root, inner, depth, message",
    [
        (ROOT, INNER, -1, "depth of 0 or more, got -1"),
        (replace(ROOT, encoding="raw"), INNER, 1, "expected encoding gaussian_fourier, got raw"),
        (replace(ROOT, structure_encoder=False), INNER, 1, "task-structure encoder"),
        (ROOT, replace(INNER, index_frequencies=8), 1, "root's index_frequencies.*got 8 under a root with 16"),
        (ROOT, replace(INNER, structure_frequencies=8), 1, "root's structure_frequencies.*got 8 under a root with 4"),
    ],
)
def test_mistakes_are_named(root, inner, depth, message):
    with pytest.raises(UserError, match=message):
        RecursiveChain(root, inner, depth, chain_ranges(INNER, make_leaf()))


@pytest.mark.parametrize("level", [-1, 2])
def test_levels_end_at_the_leaf(level):
    leaf = make_leaf()
    with pytest.raises(ValueError, match=f"level {level} of a chain of depth 1: expected 0 to 1"):
        make_chain(1, leaf).generate_level(leaf, level)


def test_bfloat16_products_reach_the_generated_trunks():
    leaf = make_leaf()
    plain, coarse = (make_chain(1, leaf, replace(EXACT, bf16_products=on)).float() for on in (False, True))
    (_, same), (_, exact) = plain.levels(leaf)  # H1 is too small for a fused trunk, the leaf is not
    (_, found), (_, rounded) = coarse.levels(leaf)
    assert all(torch.equal(found[name], w) for name, w in same.items())
    error = max((rounded[name] - w).norm() / w.norm() for name, w in exact.items())
    assert 1e-4 < error < 5e-2


def test_autocast_rounds_no_level():
    leaf = make_leaf()
    chain = make_chain(2, leaf).float()
    plain = chain(leaf)
    with torch.autocast("cpu", torch.bfloat16):
        found = chain(leaf)
    assert all(torch.equal(found[name], w) for name, w in plain.items())
