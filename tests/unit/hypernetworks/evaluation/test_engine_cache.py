"""What is kept about a thousand targets, and that no number depends on it."""

import gc
import subprocess
import sys

import pytest
import torch

from uhn.configuration.generators import GenerationConfig, UHNConfig
from uhn.hypernetworks.uhn import UHN
from uhn.models.model_sets import FAMILIES
from uhn.models.registry import build_model

FAMILY = FAMILIES["cnn_mixed_depth"]


def members(*ids):
    with torch.device("meta"):
        return [build_model(f"cnn_mixed_depth/{i}") for i in ids]


def make_generator(**generation):
    torch.manual_seed(0)
    return UHN(UHNConfig(index_frequencies=8, hidden_dim=8), FAMILY.ranges, GenerationConfig(**generation))


def gradients(generator, target):
    generator.zero_grad()
    scalars = generator.generate_scalars(target)
    scalars.square().sum().backward()
    return scalars, *(p.grad.clone() for p in generator.parameters())


def test_numbers_do_not_depend_on_what_is_kept():
    targets = members(0, 1, 2)
    everything, nothing = make_generator(), make_generator(kept_mb=0)
    for target in (*targets, *targets):
        for expected, found in zip(gradients(everything, target), gradients(nothing, target), strict=True):
            assert torch.equal(expected, found)
    assert len(everything.engine._prepared) == 3
    assert len(nothing.engine._prepared) == 1  # the first, though it exceeds the budget


def test_the_budget_counts_what_targets_do_not_share():
    sizes = {i: make_generator().engine.prepare(*members(i)).queries.nbytes for i in range(4)}
    largest_first = sorted(sizes, key=sizes.get, reverse=True)
    budget = (sum(sizes.values()) - 1) >> 20  # all but the last one fit
    assert sizes[largest_first[-1]] > 1 << 20
    generator, targets = make_generator(kept_mb=budget), members(*largest_first)
    for _ in range(2):
        for i in range(4):
            generator.engine.prepare(targets[i])
        assert set(generator.engine._prepared) == set(targets[:3])
    del targets[0]
    gc.collect()
    generator.engine.prepare(targets[-1])
    assert set(generator.engine._prepared) == set(targets)  # the dead one has made room


CODE = """
import resource, sys
import torch
from uhn.configuration.generators import UHNConfig
from uhn.hypernetworks.uhn import UHN
from uhn.models.model_sets import FAMILIES
from uhn.models.registry import build_model

family = FAMILIES[sys.argv[1]]
with torch.device("meta"):
    targets = [build_model(name) for name in family.member_names(range(family.size))]
generator = UHN(UHNConfig(structure_encoder=True), family.ranges)
for _ in range(2):
    for target in targets:
        generator.engine.prepare(target)
    print(generator.engine._shared[1].num_computed)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


@pytest.mark.slow
@pytest.mark.parametrize("family", ["cnn_mixed_depth_width", "transformer_mixed"])
def test_a_thousand_architectures_of_the_papers_sizes_fit_4_gib(family):
    done = subprocess.run([sys.executable, "-c", CODE, family], capture_output=True, text=True, check=True)
    first, second, gib = done.stdout.split()
    assert first == second  # the second pass assembles, it computes nothing that is shared
    assert float(gib) < 4
