"""Universal Hypernetworks: one fixed network that generates the weights of arbitrary target models."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Part of every run's identity. Raise it when a change of the code changes the numbers a run produces;
# tests/reference/test_golden_traces.py fails when they change and this does not.
CODE_VERSION = 1

# The library's names and where they are defined: imported when first used, since most commands run without torch.
# Type checkers read them in __init__.pyi.
_PUBLIC = {
    "adapt": "uhn.adapted.model",
    "AdaptedModel": "uhn.adapted.model",
    "UHN": "uhn.hypernetworks.uhn",
    "fit": "uhn.library.fit",
    "History": "uhn.library.fit",
    "load": "uhn.library.load",
    "load_targets": "uhn.library.load",
}


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'uhn' has no attribute '{name}'")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
