"""The sets of cases, and how much memory they plan for."""

import pytest

from uhn.benchmarks.cases import comparison_cases, scaling_cases
from uhn.errors import UserError


def test_what_does_not_fit_is_thinned_or_missing():
    # 254 x 4096 float32 features are 4.2 MB; released needs 4 of them, dense 2, of four fifths of the memory.
    routes = ["released", "dense", "auto"]
    cases, missing = comparison_cases(["generator"], ["kan_kv"], routes, memory=7_500_000)
    assert [(case.route, case.allocator, case.every) for case in cases] == [
        ("released", "default", 3),
        ("released", "tuned", 3),
        ("auto", "default", 1),
    ]
    assert [one.case.route for one in missing] == ["dense"]


def test_a_gpu_has_routes_and_steps_of_its_own():
    cases, missing = comparison_cases(["generator", "training"], ["kan_kv"], device="cuda", precision="float16")
    assert [case.route for case in cases] == 2 * ["released", "auto", "kept", "rotated", "compiled", "graphs"]
    assert [case.step for case in cases] == 6 * ["generator"] + 6 * ["training"]
    assert {(case.device, case.precision, case.allocator, case.warmup) for case in cases} == {
        ("cuda", "float16", "default", 3)
    }
    assert missing == []


def test_scaling_covers_each_series():
    cases = scaling_cases(["conv1x32"], "kan_kv")
    assert {case.sweep for case in cases} == {"N", "F", "d"}
    assert {case.route for case in cases} == {"auto"}


@pytest.mark.parametrize(
    ("targets", "routes", "message"),
    [
        (["kan_kw"], ["released"], "unknown model 'kan_kw'; did you mean"),
        (["kan_kv"], ["released", "automatic"], "unknown route 'automatic'; did you mean 'auto'?"),
        (["kan_kv"], ["released", "x"], "unknown route 'x'; expected one of released, dense"),
        (["kan_kv"], ["released", "rotated"], "unknown route 'rotated'"),
        (["kan_kv"], ["auto"], "needs 'released'"),
        (["generated_uhn"], ["released"], "no synthetic batch for 'generated_uhn'"),
    ],
)
def test_mistakes(targets, routes, message):
    with pytest.raises(UserError, match=message):
        comparison_cases(["training"], targets, routes, memory=10**10)
