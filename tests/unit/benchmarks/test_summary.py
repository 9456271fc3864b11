"""Ratios and rates on numbers worked out by hand."""

import pytest

from uhn.benchmarks.cases import Case
from uhn.benchmarks.summary import compare, paired_ratios, spread

MACHINE = {"gemm_flop_per_s": 100e9, "copy_bytes_per_s": 20e9}


def sample(cpu_s, peak=300, flop=2e9):
    return {
        "num_scalars": 1000,
        "frequencies": 16,
        "hidden_dim": 8,
        "steps": len(cpu_s),
        "setup_cpu_s": 0.5,
        "first_step_s": 1.0,
        "cpu_s": cpu_s,
        "wall_s": cpu_s,
        "generator_s": cpu_s,
        "base_bytes": 100,
        "peak_bytes": peak,
        "flop": flop,
        "moved_bytes": 1e9,
    }


def gpu_sample(wall_s, step, peak=100):
    """Of a GPU, where the host's CPU time says nothing, nor in a training step what generation takes."""
    found = sample([wall_s], peak, flop=4e9) | {"cpu_s": [7.0], "base_bytes": 0}
    if step == "training":
        del found["generator_s"]
    return found


def test_ratios_are_formed_within_rounds():
    assert paired_ratios([8.0, 6.0, 9.0], [2.0, 1.0, 3.0]) == [4.0, 6.0, 3.0]
    assert spread("x", [4.0, 6.0, 3.0]) == {"x": 4.0, "x_min": 3.0, "x_max": 6.0}


def test_comparison_of_two_rounds():
    samples = {
        Case("t", "released"): [sample([4.0, 8.0, 5.0], peak=900), sample([6.0])],
        Case("t", "released", allocator="tuned"): [sample([3.0]), sample([2.0])],
        Case("t", "auto"): [sample([1.0]), sample([2.0, 2.0], peak=500)],
    }
    released, tuned, auto = compare(samples, MACHINE)
    # Round 1: 5 / 1, round 2: 6 / 2; against tuned 3 / 1 and 2 / 2.
    assert (auto["speedup_default"], auto["speedup_default_min"], auto["speedup_default_max"]) == (4.0, 3.0, 5.0)
    assert (auto["speedup_tuned"], auto["speedup_tuned_min"], auto["speedup_tuned_max"]) == (2.0, 1.0, 3.0)
    assert released["speedup_default"] == tuned["speedup_tuned"] == 1.0
    assert auto["cpu_s"] == 1.5 and auto["s_per_scalar"] == pytest.approx(1.5e-3)
    assert (auto["extra_bytes"], auto["share_of_extra_bytes"]) == (400, 0.5)
    assert auto["share_of_gemm_peak"] == pytest.approx(2 / 1.5 / 100)
    assert auto["least_s"] == pytest.approx(0.05)  # 1 GB at 20 GB/s takes longer than 2 GFLOP at 100 GFLOP/s


def test_a_gpu_is_compared_by_the_wall_clock():
    def case(route, step):
        return Case("t", route, step, "cuda", "float16")

    samples = {
        case("released", "generator"): [gpu_sample(s, "generator", 400) for s in (0.08, 0.16)],
        case("auto", "generator"): [gpu_sample(s, "generator") for s in (0.02, 0.02)],
        case("released", "training"): [gpu_sample(s, "training", 400) for s in (0.10, 0.20)],
        case("auto", "training"): [gpu_sample(s, "training") for s in (0.05, 0.05)],
    }
    released, generator, _, training = compare(samples, MACHINE | {"gemm_flop_per_s": 1e12})
    assert (released["speedup_default"], training["speedup_default"]) == (1, 3)
    assert [generator[f"speedup_default{end}"] for end in ("_min", "", "_max")] == [4, 6, 8]
    assert generator["share_of_extra_bytes"] == training["share_of_extra_bytes"] == 0.25
    assert generator["share_of_gemm_peak"] == pytest.approx(4e9 / 0.02 / 1e12)
    assert "share_of_gemm_peak" not in training and "least_s" not in generator
