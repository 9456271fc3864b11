"""Descriptor ranges of the settings with several target models (paper, Tables 3 to 5)."""

from __future__ import annotations

from uhn.descriptors.normalization import Ranges, union
from uhn.errors import UserError
from uhn.models.model_sets import FAMILIES
from uhn.models.registry import build_model

# Target models of the settings that unite fixed models.
UNIONS = {
    "multi_task": (
        "mnist_mlp",
        "cifar10_cnn44",
        "cora_gcn",
        "pubmed_gat",
        "agnews_transformer2l",
        "kan_kv",
    ),
    "recursion": ("generated_uhn", "mnist_mlp"),
}
SETTING_NAMES = (*FAMILIES, *UNIONS)


def setting_ranges(name: str) -> Ranges:
    """Return the ranges that cover all target models of a setting.

    A model family has the ranges of its configuration; several tasks, or the levels of a recursive chain,
    have the union over their models.

    Raises:
        UserError: unknown setting.
    """
    if name in FAMILIES:
        return FAMILIES[name].ranges
    if name in UNIONS:
        return union(build_model(model).ranges() for model in UNIONS[name])
    raise UserError(f"unknown setting '{name}'; expected one of {', '.join(SETTING_NAMES)}")
