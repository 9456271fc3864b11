"""Figures from synthetic runs: their files, captions, and what damaged input says."""

import subprocess
import sys

import pytest
from run_files import edit, sha256
from synthetic_figures import SEEDS, write_kernel
from synthetic_results import record, write

from uhn.errors import UserError
from uhn.reporting.figure_definitions import figure_names
from uhn.reporting.figures.publish_figure import publish_figure


@pytest.mark.parametrize("name", figure_names())
def test_every_figure_is_written_and_the_same_bytes_twice(publish, name):
    first, second = publish(name, "one"), publish(name, "two")
    assert [path.name for path in first.values()] == [f"{name}.{ending}" for ending in ("pdf", "png", "csv", "json")]
    for ending, path in first.items():
        assert path.read_bytes() == second[ending].read_bytes()
    assert first["png"].read_bytes().startswith(b"\x89PNG")
    assert first["pdf"].read_bytes().startswith(b"%PDF")
    assert b"CreationDate" not in first["pdf"].read_bytes()
    assert len(first["csv"].read_text().splitlines()) > 1 + 2


def test_another_process_writes_the_same_bytes(publish, runs, tmp_path):
    mine = publish("5")
    code = f"""
from pathlib import Path
from uhn.reporting.figures.publish_figure import publish_figure
publish_figure("5", Path({str(runs)!r}), Path({str(tmp_path / "other")!r}), "demo", "demo scale: synthetic")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    for path in mine.values():
        assert (tmp_path / "other" / path.name).read_bytes() == path.read_bytes()


def test_what_a_caption_states(publish, captions):
    publish("4")
    (text,) = captions
    assert text.startswith("Figure 4. Kernels of the third convolution of CNN-20, generated from three encodings")
    for statement in (
        "Demo scale: synthetic; data computed from formulas and stand-in data. ",
        f"Seeds {SEEDS[0]}, {SEEDS[1]} (no run of 6 diverged; code version 1, source 5eed5eed5eed). Every tile is one",
    ):
        assert statement in text
    publish("growth")
    assert captions[1].startswith("Growth of #Params with the target")


def test_mixed_versions_are_said_of_the_figure(runs, publish, captions):
    write(runs, record("cifar10_cnn20", "raw", SEEDS[0], 0.0, source_digest="another", code_version=2))
    write_kernel(runs, "raw", SEEDS[0], 0.2)
    publish("4")
    assert "code versions 1, 2, sources 5eed5eed5eed, another). Warning: " in captions[0]
    assert "Warning: The runs of this figure mix 2 code versions (1, 2)" in captions[0]


@pytest.mark.parametrize("name", figure_names())
def test_a_figure_of_diverged_runs_only_still_says_so(runs, publish, captions, name):
    outcome = {"status": "diverged", "reason": "loss is not finite", "metrics": {}}
    for path in sorted(runs.rglob("result.json")):
        edit(path, lambda data: data.update(outcome))
    assert publish(name)["png"].stat().st_size > 1000
    assert ", not drawn; code" in captions[0]


def run_file(runs, setting, variant, name):
    return runs / setting / variant / f"seed{SEEDS[1]}" / name


@pytest.mark.parametrize(
    ("name", "pair", "file", "content", "message"),
    [
        ("4", ("cifar10_cnn20", "raw"), "kernel.safetensors", None, r"seed59358/kernel\.safetensors: missing"),
        ("4", ("cifar10_cnn20", "raw"), "kernel.safetensors", b"\x93NUMPY", r"kernel\.safetensors: differs from what"),
        ("5", ("transformer_mixed", "uhn"), "metrics.jsonl", None, r"metrics\.jsonl: cannot be read"),
        (
            "5",
            ("transformer_mixed", "uhn"),
            "metrics.jsonl",
            b'{"step": 1, "phase": "train"}\n{"st',
            r"metrics\.jsonl, line 3: expected an object",
        ),
        ("5", ("transformer_mixed", "uhn"), "metrics.jsonl", b'{"step": 1, "phase": "train"}\n', "has no mean losses"),
        (
            "levels",
            ("recursion_k1", "uhn"),
            "metrics.jsonl",
            b'{"step": 1, "phase": "init"}\n',
            "has no level statistics",
        ),
        ("3", ("cnn_mixed_width", "uhn"), "result.json", None, r"seed59358/result\.json: missing"),
    ],
)
def test_damaged_files_are_named_and_nothing_is_written(runs, tmp_path, name, pair, file, content, message):
    path = run_file(runs, *pair, file)
    if file == "metrics.jsonl" and content is not None:
        content = path.read_bytes().splitlines(keepends=True)[0] + content
    path.unlink() if content is None else path.write_bytes(content)
    if file == "metrics.jsonl" and content is not None:
        edit(path.with_name("result.json"), lambda record: record.update(metrics_sha256=sha256(path)))
    seeds = dict.fromkeys([pair], SEEDS)
    with pytest.raises(UserError, match=message) as caught:
        publish_with(runs, tmp_path, name, seeds)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def publish_with(runs, tmp_path, name, seeds):
    """Publish with the given seeds of some runs, both seeds of all others."""

    class Seeds(dict):
        def __missing__(self, pair):
            return SEEDS

    publish_figure(name, runs, tmp_path / "out", "demo", "synthetic", seeds=Seeds(seeds))
