"""Tables and figures from invented samples."""

import csv

import pytest
from test_summary import MACHINE, gpu_sample, sample

from uhn.benchmarks.cases import Case, Missing, scaling_cases
from uhn.benchmarks.figures import save, scaling_figure
from uhn.benchmarks.output import comparison_markdown, scaling_markdown, write_csv
from uhn.benchmarks.summary import compare, scaling

FACTS = MACHINE | {
    "commit": "0" * 40,
    "dirty": False,
    "python": "3",
    "torch": "2",
    "platform": "linux",
    "cpu": "abacus",
    "cores": 2,
    "threads": 1,
    "device": "cpu",
    "precision": "float32",
    "gpu": None,
}


def test_scaling(tmp_path):
    cases = scaling_cases(["conv1x32", "conv3x8"], "kan_kv")
    rows = scaling({case: [sample([1.0 + i])] for i, case in enumerate(cases)}, MACHINE)
    text = scaling_markdown(rows, FACTS)
    assert text.count("\n## ") == 3 and "abacus, 2 cores" in text
    assert "| `conv3x8` | 1,000 |" in text
    paths = save(scaling_figure(rows), tmp_path / "scaling")
    assert [path.suffix for path in paths] == [".pdf", ".png"] and all(path.is_file() for path in paths)


def test_comparison_on_a_cpu():
    released = Case("t", "released", "training", every=3)
    tuned = Case("t", "released", "training", every=3, allocator="tuned")
    auto = Case("t", "auto", "training")
    rows = compare({released: [sample([4.0])], tuned: [sample([2.0])], auto: [sample([1.0])]}, MACHINE)
    dense = Missing(Case("t", "dense", "training"), "too large")
    text = comparison_markdown(rows, [dense, Missing(Case("other", "dense", "training"), "unseen")], FACTS)
    assert "# Training step\n" in text and "1 thread, float32; CPU seconds" in text and " GPU: " not in text
    assert "## t\n\nN = 1,000, F = 16, d = 8\n" in text
    assert "| `auto` | default | 1 | 100% | 4.00 (4.00 to 4.00) | 2.00 (2.00 to 2.00) |" in text
    assert "one of every 3 rows" in text
    assert "`dense` is missing: too large." in text and "unseen" not in text


def test_comparison_on_a_gpu(tmp_path):
    samples = {
        Case("t", route, step, "cuda", "float16"): [gpu_sample(seconds, step)]
        for route, seconds in (("released", 0.004), ("auto", 0.001))
        for step in ("generator", "training")
    }
    missing = Missing(Case("t", "graphs", "training", "cuda", "float16"), "no compiler")
    rows = compare(samples, MACHINE)
    text = comparison_markdown(rows, [missing], FACTS | {"device": "cuda", "precision": "float16", "gpu": "H"})
    assert "# Generator and training step on a GPU\n" in text and "GPU: H." in text and "float16; wall-clock" in text
    generator, training = text.split("## t, training step\n")
    assert "no compiler" in training and "no compiler" not in generator
    assert "| `auto` | 1 | 4.00 (4.00 to 4.00) | 0 | 100% | 1.00 | 4 | 4000.0 (4000%) | 1.00 |" in generator
    assert "| `auto` | 1 | 4.00 (4.00 to 4.00) | 0 | 100% | 1.00 |" in training
    write_csv(tmp_path / "gpu.csv", rows)
    with open(tmp_path / "gpu.csv") as file:
        rates = {(row["step"], row["route"]): row["flop_per_s"] for row in csv.DictReader(file)}
    assert float(rates["generator", "auto"]) == pytest.approx(4e12)
    assert rates["training", "auto"] == ""
