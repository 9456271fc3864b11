"""Table and figure of the scaling benchmark from invented samples."""

from test_arithmetic import MACHINE, sample

from uhn.benchmarks.cases import scaling_cases
from uhn.benchmarks.figures import save, scaling_figure
from uhn.benchmarks.output import scaling_markdown
from uhn.benchmarks.summary import scaling

FACTS = {
    "commit": "0" * 40,
    "dirty": False,
    "python": "3",
    "torch": "2",
    "platform": "linux",
    "cpu": "abacus",
    "cores": 2,
    "threads": 1,
}


def test_table_and_figure(tmp_path):
    cases = scaling_cases(["conv1x32", "conv3x8"], "kan_kv")
    rows = scaling({case: [sample([1.0 + place])] for place, case in enumerate(cases)}, MACHINE)
    text = scaling_markdown(rows, MACHINE | FACTS)
    assert text.count("\n## ") == 3 and "abacus, 2 cores" in text
    assert "| `conv3x8` | 1,000 |" in text
    paths = save(scaling_figure(rows), tmp_path / "scaling")
    assert [path.suffix for path in paths] == [".pdf", ".png"] and all(path.is_file() for path in paths)
