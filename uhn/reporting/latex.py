"""A printed table as a LaTeX document that compiles on its own."""

from __future__ import annotations

from collections.abc import Sequence

from uhn.reporting.document import Document, Grid, Text
from uhn.reporting.latex_characters import escape

PREAMBLE = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage[a4paper,landscape,margin=12mm]{geometry}
\usepackage{booktabs}
\usepackage{xcolor}
\pagestyle{empty}
\newsavebox{\tablebox}
% a table wider than the page at \footnotesize is set in \scriptsize, never smaller
\newcommand{\fitted}[1]{%
  \sbox{\tablebox}{\footnotesize #1}%
  \ifdim\wd\tablebox>\linewidth\sbox{\tablebox}{\scriptsize #1}\fi
  \usebox{\tablebox}}
\begin{document}
\begin{table}[t]
\centering
\setlength{\belowcaptionskip}{6pt}
\footnotesize
\setlength{\tabcolsep}{4pt}
"""

ENDING = r"""\bottomrule
\end{tabular}}
\end{table}
\end{document}
"""


def to_latex(document: Document) -> str:
    """Write a standalone document with the table, its caption and the paper's table number."""
    grid = document.grid
    title = f"\\textbf{{{escape(document.title)}.}} {escape(' '.join(document.caption))}"
    align = "".join("l" if text else "r" for text in grid.text_columns)
    body = [
        _numbering(document),
        f"\\caption[]{{{title}}}",
        f"\\fitted{{\\begin{{tabular}}{{@{{}}{align}@{{}}}}",
        "\\toprule",
        *_group_lines(grid),
        _line([escape(head) for head in grid.heads]),
        "\\midrule",
    ]
    for number, block in enumerate(grid.blocks):
        if number and len(block) > 1:
            body.append("\\addlinespace")
        body += [_line([_field(field) for field in fields]) for fields in block]
    return PREAMBLE + "\n".join(body) + "\n" + ENDING


def _numbering(document: Document) -> str:
    """Let the caption begin with the number in the paper, or with words in place of one."""
    if document.number is None:
        return f"\\makeatletter\\renewcommand{{\\fnum@table}}{{{document.heading}}}\\makeatother"
    return f"\\setcounter{{table}}{{{document.number - 1}}}"


def _group_lines(grid: Grid) -> list[str]:
    """Return the line of group titles and its partial rules; nothing where no group has a title."""
    if not any(title for title, _ in grid.groups):
        return []
    fields, rules, start = [], [], 1
    for title, width in grid.groups:
        fields.append(f"\\multicolumn{{{width}}}{{c}}{{{escape(title)}}}")
        if title:
            rules.append(f"\\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    return [_line(fields), " ".join(rules)]


def _line(fields: Sequence[str]) -> str:
    guard = "{}" if fields[0].startswith(("[", "*")) else ""  # else the end of the line before takes it for an option
    return guard + " & ".join(fields) + r" \\"


def _field(field: Text) -> str:
    text = escape(field.text)
    if field.bold:
        text = f"\\textbf{{{text}}}"
    elif field.grey and text:
        text = f"\\textcolor{{gray}}{{{text}}}"
    return " ".join([text, *map(_field, field.marks)])
