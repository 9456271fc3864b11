"""Rounds of workers, and their environment."""

import json

import pytest

from uhn.benchmarks import driver
from uhn.benchmarks.cases import Case
from uhn.benchmarks.driver import child_environment, run_child
from uhn.errors import UserError

CASES = [Case("t", "released"), Case("t", "auto")]


@pytest.fixture
def routes(monkeypatch):
    """Return the routes that workers were started with; the calls that are added to ``fail`` fail."""
    calls, fail = [], set()

    def child(module, arguments, allocator):
        calls.append(json.loads(arguments[0])["route"])
        if len(calls) in fail:
            raise UserError("killed")
        return {"call": len(calls)}

    monkeypatch.setattr(driver, "run_child", child)
    calls_and_fail = calls, fail
    return calls_and_fail


@pytest.mark.parametrize(("failing_call", "kept"), [(3, 1), (6, 2)])
def test_complete_rounds_survive_a_failing_worker(routes, capsys, failing_call, kept):
    calls, fail = routes
    fail.add(failing_call)
    samples, missing = driver.run_rounds(CASES, 3, 0.0)
    assert [[sample["call"] for sample in samples[case]] for case in CASES] == [[1, 3][:kept], [2, 4][:kept]]
    assert calls == ["released", "auto"] * (failing_call // 2) + ["released"] * (failing_call % 2)
    assert missing == []
    assert f"keeping {kept} of 3 rounds" in capsys.readouterr().err


def test_what_fails_at_first_is_left_out_and_named(routes):
    calls, fail = routes
    fail.add(2)
    samples, missing = driver.run_rounds(CASES, 2, 0.0)
    assert (list(samples), len(samples[CASES[0]])) == ([CASES[0]], 2)
    assert [(one.case, one.reason) for one in missing] == [(CASES[1], "killed")]
    assert calls == ["released", "auto", "released"]


def test_nothing_is_compared_without_the_release(routes):
    routes[1].add(1)
    with pytest.raises(UserError, match="killed"):
        driver.run_rounds(CASES, 3, 0.0)


def test_the_default_environment_has_no_allocator_settings(monkeypatch):
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "0")
    assert "MALLOC_MMAP_MAX_" not in child_environment("default")
    assert child_environment("tuned")["THP_MEM_ALLOC_ENABLE"] == "1"


def test_failing_worker():
    with pytest.raises(UserError, match=r"worker .* failed: .*unknown model .nothing."):
        run_child("uhn.benchmarks.worker", ['{"target": "nothing", "route": "auto"}', "0"])
