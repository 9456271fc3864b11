"""Steps and cost of runs against counts by hand."""

import pytest

from uhn.configuration.cost import generation_flop, run_core_hours, run_steps, steps_per_unit
from uhn.configuration.generators import UHNConfig
from uhn.configuration.resolve import load_experiment, resolve


def paper(setting, variant="uhn"):
    return resolve(load_experiment(setting), variant, 21962, "paper")


@pytest.mark.parametrize(
    ("setting", "steps"),
    [
        ("mnist_mlp", 235),  # 60,000 / 256
        ("cifar10_cnn20", 196),  # 50,000 / 256
        ("agnews_transformer2l", 469),  # 120,000 / 256
        ("imdb_transformer1l", 98),  # 25,000 / 256
        ("cora_gcn", 1),
        ("kan_kv", 1),
        ("multi_task", 1),
    ],
)
def test_steps_of_an_epoch(setting, steps):
    assert steps_per_unit(paper(setting)) == steps


def test_steps_of_a_run_are_those_of_both_phases():
    assert run_steps(paper("mnist_mlp")) == 100 + 100 * 235
    assert run_steps(paper("mnist_mlp", "direct")) == 200 * 235
    assert run_steps(paper("recursion_k1")) == 4000 + 30_000


def test_a_generation_counts_the_first_layer_twice_and_the_rest_three_times():
    """F 4, d 3, 2 blocks: 24 weights in the first layer, 36 in the blocks, 3 in the readout; 2 flop each."""
    sizes = UHNConfig(index_frequencies=4, hidden_dim=3, blocks=2)
    assert generation_flop(sizes, num_scalars=10) == 2 * 10 * (2 * 24 + 3 * (36 + 3))


def test_gradient_surgery_generates_for_every_task_in_every_step():
    """Without the share that depends on steps alone: a sixth of the steps, six targets each."""
    plain, surgery = paper("multi_task"), paper("multi_task", "uhn_pcgrad")
    generating = [run_core_hours(run, 100_000) - run_core_hours(run, 0) for run in (plain, surgery)]
    assert generating[1] == pytest.approx(6 * generating[0] * run_steps(surgery) / run_steps(plain))
