"""Escaping of Markdown."""

import pytest

from uhn.reporting.markdown import escape


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("sph_harm01", "sph_harm01"),
        ("_a_ *b*", r"\_a\_ \*b\*"),
        ("n < 2 [1]", r"n \< 2 \[1\]"),
        ("a\\b`", r"a\\b\`"),
    ],
)
def test_markdown_escapes(text, escaped):
    assert escape(text) == escaped
