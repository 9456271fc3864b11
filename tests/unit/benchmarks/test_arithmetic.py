"""Ratios and operation counts on numbers worked out by hand."""

import pytest
import torch

from uhn.benchmarks.cases import Case, comparison_cases, scaling_cases
from uhn.benchmarks.roofline import first_layer_macs, step_work
from uhn.benchmarks.summary import compare, paired_ratios, spread
from uhn.benchmarks.workload import build_target, generator_config
from uhn.configuration.generators import GenerationConfig
from uhn.errors import UserError
from uhn.hypernetworks.uhn import UHN

MACHINE = {"gemm_flop_per_s": 100e9, "copy_bytes_per_s": 20e9}


def sample(cpu_s, peak=300, flop=2e9):
    return {
        "num_scalars": 1000,
        "frequencies": 16,
        "hidden_dim": 8,
        "setup_cpu_s": 0.5,
        "cpu_s": cpu_s,
        "wall_s": cpu_s,
        "generator_cpu_s": cpu_s,
        "base_bytes": 100,
        "peak_bytes": peak,
        "flop": flop,
        "moved_bytes": 1e9,
    }


def test_ratios_are_formed_within_rounds():
    assert paired_ratios([8.0, 6.0, 9.0], [2.0, 1.0, 3.0]) == [4.0, 6.0, 3.0]
    assert spread([4.0, 6.0, 3.0]) == (4.0, 3.0, 6.0)


def test_comparison_of_two_rounds():
    samples = {
        Case("t", "released"): [sample([4.0, 8.0, 5.0], peak=900), sample([6.0])],
        Case("t", "released", "tuned"): [sample([3.0]), sample([2.0])],
        Case("t", "auto"): [sample([1.0]), sample([2.0, 2.0], peak=500)],
    }
    released, tuned, auto = compare(samples, MACHINE)
    # Round 1: 5 / 1, round 2: 6 / 2; against tuned 3 / 1 and 2 / 2.
    assert (auto["speedup_default"], auto["speedup_default_min"], auto["speedup_default_max"]) == (4.0, 3.0, 5.0)
    assert (auto["speedup_tuned"], auto["speedup_tuned_min"], auto["speedup_tuned_max"]) == (2.0, 1.0, 3.0)
    assert released["speedup_default"] == tuned["speedup_tuned"] == 1.0
    assert auto["cpu_s"] == 1.5 and auto["cpu_s_per_scalar"] == pytest.approx(1.5e-3)
    assert (auto["extra_bytes"], auto["share_of_extra_bytes"]) == (400, 0.5)
    assert auto["share_of_gemm_peak"] == pytest.approx(2 / 1.5 / 100)
    assert auto["least_s"] == pytest.approx(0.05)  # 1 GB at 20 GB/s takes longer than 2 GFLOP at 100 GFLOP/s


@pytest.mark.parametrize(
    ("name", "first", "trunk"), [("mnist_mlp", 62, 12), ("cora_gcn", 193, 36), ("cifar10_cnn20", 564, 106)]
)
def test_operations_of_a_dense_step(name, first, trunk):
    target = build_target(name)
    config = generator_config(target)
    macs = target.num_params * 2 * config.index_frequencies
    work = step_work(config, target.num_params, macs, "released")
    assert (round(work.first_flop / 1e9), round(work.trunk_flop / 1e9)) == (first, trunk)
    assert work.flop == work.first_flop + work.trunk_flop


def test_traffic_of_a_step():
    config = generator_config(build_target("kan_kv"), frequencies=16, hidden_dim=8)
    # Behind the first layer, numbers per row: twice 2 * 8 of h and its gradient, twice 5 * 8 + 4 * 2 of the tape.
    behind = 4 * 10 * (2 * 16 + 2 * 48)
    traffic = {name: step_work(config, 10, 320, name).moved_bytes for name in ("released", "dense", "auto")}
    assert traffic == {"released": behind + 3 * 1280, "dense": behind + 2 * 1280, "auto": behind}


def test_macs_of_a_plan():
    target = build_target("kan_kv")
    for route in ("reference", "dense"):
        torch.manual_seed(0)
        generator = UHN(
            generator_config(target, frequencies=16, hidden_dim=8), target.ranges(), GenerationConfig(first_layer=route)
        )
        assert first_layer_macs(generator, target) == 254 * 32


def test_what_does_not_fit_is_thinned_or_left():
    # 254 x 4096 float32 features are 4.2 MB; released needs 4 of them, dense 2, of four fifths of the memory.
    cases, left = comparison_cases("generator", ["kan_kv"], ["released", "dense", "auto"], memory=7_500_000)
    assert [(case.variant, case.allocator, case.every) for case in cases] == [
        ("released", "default", 3),
        ("released", "tuned", 3),
        ("auto", "default", 1),
    ]
    assert [item.case.variant for item in left] == ["dense"]


def test_scaling_covers_each_series():
    cases = scaling_cases(["conv1x32"], "kan_kv")
    assert {case.sweep for case in cases} == {"N", "F", "d"}
    assert {case.variant for case in cases} == {"auto"}


@pytest.mark.parametrize(
    ("targets", "variants", "message"),
    [
        (["kan_kw"], ["released"], "unknown model 'kan_kw'; did you mean"),
        (["kan_kv"], ["released", "automatic"], "unknown variant 'automatic'; did you mean auto?"),
        (["kan_kv"], ["released", "x"], "unknown variant 'x'; expected one of released, dense"),
        (["kan_kv"], ["auto"], "needs 'released'"),
        (["generated_uhn"], ["released"], "no synthetic batch for 'generated_uhn'"),
    ],
)
def test_mistakes(targets, variants, message):
    with pytest.raises(UserError, match=message):
        comparison_cases("training", targets, variants, memory=10**10)
