"""Every snippet of docs/library.md runs, one after the other, here with few steps of training."""

import re

import pytest
import torch
from cli_process import REPOSITORY

import uhn

TEXT = (REPOSITORY / "docs/library.md").read_text()
BLOCKS = [
    code
    for comment, code in re.findall(r"(<!-- .* -->\n)?```python\n(.*?)```", TEXT, re.DOTALL)
    if not comment  # what needs files is run by test_load.py
]


def run_snippets(tmp_path, monkeypatch, snippets):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names = {}
    for code in snippets:
        exec(re.sub(r"steps=\d+", "steps=4", code), names)
    return names


def test_the_snippets_run(tmp_path, monkeypatch):
    snippets = [code for code in BLOCKS if "torch.export" not in code and "onnx" not in code]
    assert len(snippets) >= 6
    names = run_snippets(tmp_path, monkeypatch, snippets)
    assert names["outputs"].shape == (3, 256, 2)
    with torch.no_grad():
        expected = names["target"].eval().run(names["generator"](names["target"]), names["x"])
    torch.testing.assert_close(names["model"](names["x"]), expected)


@pytest.mark.slow
def test_the_snippets_of_export_run(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    export = [code for code in BLOCKS if "torch.export" in code or "onnx" in code]
    assert len(export) == 2
    names = run_snippets(tmp_path, monkeypatch, [BLOCKS[0], *export])
    loaded = torch.export.load(tmp_path / "model.pt2").module()
    torch.testing.assert_close(loaded(names["x"]), names["model"](names["x"]))


def test_the_page_names_every_public_name():
    assert all(f"uhn.{name}" in TEXT for name in uhn._PUBLIC if name not in ("AdaptedModel", "History"))
