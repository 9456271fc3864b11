"""Whatever a title holds, the document compiles or the title is refused."""

import shutil
import subprocess

import pytest

from uhn.errors import UserError
from uhn.reporting.latex_characters import LATIN, escape


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("σ of τ ≤ 3", r"$\sigma$ of $\tau$ $\leq$ 3"),
        ("Λ ΑΩ λο", r"$\Lambda$ A$\Omega$ $\lambda$o"),
        ("x₂ 10⁻⁵", r"x\textsubscript{2} 10\textsuperscript{$-$}\textsuperscript{5}"),
        ("\U0001d6fc ﬁ", r"$\alpha$ fi"),
        ("e\u0301 “ö”", "é “ö”"),
        ("a\u00a0b\tc\nd", "a~b c d"),
        ("a_b & 5 % {x} \\", r"a\_b \& 5 \% \{x\} \textbackslash{}"),
    ],
)
def test_what_is_written(text, written):
    assert escape(text) == written


@pytest.mark.parametrize(
    ("text", "named"), [("日本", "U+65E5, cjk"), ("a\x07", "U+0007"), ("🙂", "slightly smiling face")]
)
def test_what_is_refused(text, named):
    with pytest.raises(UserError, match="LaTeX has no form for it") as caught:
        escape(text)
    assert named in str(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_every_character_that_is_not_refused_compiles(tmp_path):
    lines = []
    for code in [*range(0x20, LATIN.stop), *range(0x180, 0xD800), *range(0xE000, 0x20000)]:
        try:
            lines.append(f"\\typeout{{{code:X}}}a{escape(chr(code))}b\n\n")
        except UserError:
            continue
    assert len(lines) > 1000
    head = "\\documentclass{article}\n\\usepackage[utf8]{inputenc}\n\\begin{document}\n"
    (tmp_path / "all.tex").write_text(f"{head}{''.join(lines)}\\end{{document}}", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-500:]
