"""Text as LaTeX typesets it: every character has a form, or is refused."""

from __future__ import annotations

import unicodedata
from functools import cache

from uhn.errors import UserError

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "|": r"\textbar{}",
    "<": r"$<$",
    ">": r"$>$",
    "±": r"$\pm$",
    "−": r"$-$",
    "×": r"$\times$",
    "\N{NO-BREAK SPACE}": "~",
}

# Symbols and their commands in mathematics.
SYMBOLS = """
≤ leq  ≥ geq  ≠ neq  ≈ approx  ≡ equiv  ∼ sim  ∝ propto  ≪ ll  ≫ gg  ∞ infty  ∑ sum  ∏ prod  ∫ int  ∂ partial
∇ nabla  √ surd  ∘ circ  → rightarrow  ← leftarrow  ↔ leftrightarrow  ⇒ Rightarrow  ↑ uparrow  ↓ downarrow
∈ in  ∉ notin  ⊂ subset  ⊆ subseteq  ∪ cup  ∩ cap  ∅ emptyset  ∖ setminus  ∀ forall  ∃ exists  ∧ wedge  ∨ vee
⊕ oplus  ⊗ otimes  ⋅ cdot  ∗ ast  ℓ ell  ℏ hbar  ℜ Re  ℑ Im  ∥ parallel  ⊥ perp  ⟨ langle  ⟩ rangle  ⋯ cdots
⌊ lfloor  ⌋ rfloor  ⌈ lceil  ⌉ rceil  ′ prime  ϵ epsilon  ϕ phi  ϑ vartheta  ϖ varpi  ϱ varrho  ς varsigma
"""
COMMANDS = dict(zip(SYMBOLS.split()[::2], SYMBOLS.split()[1::2], strict=True))

# Greek letters with a command, which is their name.
GREEK = set("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ")
# The others look like Latin letters, and LaTeX has no commands for them.
GREEK_AS_LATIN = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEZHIKMNOPTXo", strict=True))

# What LaTeX typesets as it is: Latin letters with accents, and signs.
LATIN = range(0xC0, 0x180)
LATIN_MISSING = set("ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲųſ")
SIGNS = set("¡¢£¥§©ª¬®°²³´µ¶·¹º¼½¾¿÷–—‘’“”…•†‡‰€™")


def escape(text: str) -> str:
    """Write a text so that LaTeX typesets it.

    Raises:
        UserError: it holds a character that LaTeX has no form for.
    """
    return "".join(map(_character, unicodedata.normalize("NFC", text)))


@cache
def _character(character: str) -> str:
    if character in SPECIAL:
        return SPECIAL[character]
    if character in COMMANDS:
        return f"$\\{COMMANDS[character]}$"
    if character in SIGNS or (character.isascii() and character.isprintable()):
        return character
    if ord(character) in LATIN and character not in LATIN_MISSING:
        return character
    if character in GREEK_AS_LATIN:
        return GREEK_AS_LATIN[character]
    if character in GREEK:
        name = unicodedata.name(character).split()[-1].lower().replace("lamda", "lambda")
        return f"$\\{name.capitalize() if character.isupper() else name}$"
    if character.isspace():
        return " "
    kind, _, base = unicodedata.decomposition(character).partition(" ")
    if kind in ("<super>", "<sub>"):
        plain = "".join(chr(int(number, 16)) for number in base.split())
        return f"\\text{kind[1:-1]}script{{{escape(plain)}}}"
    if (plain := unicodedata.normalize("NFKC", character)) != character:  # ligatures, letters of mathematics
        return escape(plain)
    name = unicodedata.name(character, "no name").lower()
    raise UserError(
        f"{character!r} (U+{ord(character):04X}, {name}): LaTeX has no form for it; write it otherwise in titles, "
        "labels and notes"
    )
