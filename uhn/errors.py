"""The one error that users are meant to see."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(ValueError):
    """A mistake the user can mend: one line that says what was expected, what came and what to change.

    Users of the library may catch it as a ValueError. The command line prints the message without a traceback and
    exits with code 2.
    """


def suggest(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: the nearest one there is, else all of them."""
    known = list(known)
    near = get_close_matches(name, known, n=1)
    return f"did you mean '{near[0]}'?" if near else f"expected one of {', '.join(known) or '(none)'}"
