"""Escaping, and that LaTeX accepts the documents."""

import shutil
import subprocess

import pytest
from printed_table import more_methods, publish, texts

from uhn.reporting.latex import escape


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a_b", r"a\_b"),
        ("5% & #1", r"5\% \& \#1"),
        ("\\{}", r"\textbackslash{}\{\}"),
        ("n < 2 ± 1", r"n $<$ 2 $\pm$ 1"),
        ("$x^2~|", r"\$x\textasciicircum{}2\textasciitilde{}\textbar{}"),
        ("−0.1", "$-$0.1"),
    ],
)
def test_latex_escapes(text, escaped):
    assert escape(text) == escaped


def test_special_characters_of_labels_are_escaped(config, runs):
    found = texts(config, runs)
    assert r"\textbf{A table of 100\% synthetic\_runs \& more.}" in found["tex"]
    assert r"kv\_1 & KAN-g5 & 97 & 0.0310 $\pm$ 0.0010 & \textcolor{gray}{0.0211}" in found["tex"]
    assert r"\cmidrule(lr){4-5} \cmidrule(lr){6-7}" in found["tex"]
    assert r"\setcounter{table}{6}" in found["tex"]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("further", [0, 2])
def test_the_document_compiles_on_its_own(config, runs, further):
    more_methods(config, runs, further)
    path = publish(config, runs, scale_label=r"demo scale: a|b \x {y} ~z ^w × $5 #1 <3>").paths[2]
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", path.name],
        cwd=path.parent,
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert path.with_suffix(".pdf").stat().st_size > 1000
    assert "Overfull" not in done.stdout
    assert "(1 page," in done.stdout
