"""A guard, not a reference: these numbers change only together with CODE_VERSION, which reruns every result.

After a change that is meant to change numbers, raise ``uhn.CODE_VERSION`` and regenerate the file with
``python tests/reference/test_golden_traces.py``. After one of ``config/`` alone, regenerate it: finished runs are told
apart by their configuration.
"""

import json
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from golden.cases import CASES
from golden.runs import cannot_repeat, run_job

from uhn import CODE_VERSION

FILE = Path(__file__).parent / "golden" / "traces.json"
# Of float64: other kernels, threads and instruction sets differ by up to 1e-12 in these few steps.
TOLERANCE = 1e-8


@pytest.fixture(scope="module")
def golden():
    return json.loads(FILE.read_text())


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder to work in, with the stand-ins that the cases share."""
    return tmp_path_factory.mktemp("golden")


def test_there_is_a_trace_of_every_case_and_of_this_version(golden):
    assert golden["code_version"] == CODE_VERSION, "CODE_VERSION was raised: regenerate the golden traces"
    assert golden["traces"].keys() == CASES.keys(), "cases were added or removed: regenerate the golden traces"


@pytest.mark.parametrize("name", CASES)
def test_numbers_change_only_with_code_version(golden, home, tmp_path, name):
    if reason := cannot_repeat(CASES[name]):
        pytest.skip(reason)
    with chdir(home):
        trace, entered = run_job(CASES[name], tmp_path)
    assert entered == CASES[name].enters, "the case no longer goes through the evaluations that it is there to guard"
    expected = golden["traces"][name]
    assert trace["config"] == expected["config"], (
        "this case resolves to another configuration: regenerate the golden traces if config/ says so, else raise "
        "uhn.CODE_VERSION too"
    )
    assert trace["numbers"] == pytest.approx(expected["numbers"], rel=TOLERANCE, abs=0), (
        "the numbers a run produces have changed: raise uhn.CODE_VERSION and regenerate the golden traces"
    )


def regenerate():
    """Run all cases and write the file."""
    with TemporaryDirectory() as folder, chdir(folder):
        traces = {name: run_job(case, Path(folder) / name)[0] for name, case in CASES.items()}
    FILE.write_text(json.dumps({"code_version": CODE_VERSION, "traces": traces}, indent=1) + "\n")


if __name__ == "__main__":
    regenerate()
