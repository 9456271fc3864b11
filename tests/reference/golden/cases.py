"""The jobs whose numbers are guarded: one of every kind, small, and every evaluation of a generator entered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """A job, and where it differs from ``uhn train --setting SETTING --variant VARIANT --scale SCALE``.

    Args:
        setting, variant, scale, mode: which run is resolved.
        enters: the evaluations that its training steps go through, and no others; see `golden.runs.watch`.
        init_steps: of each level, where the run has an initialisation.
        budget: epochs or steps of training, in the run's own unit.
        hypernetwork: other sizes of the generator.
        generation: another evaluation of it.
        targets: other reductions of the target models.
    """

    setting: str
    variant: str = "uhn"
    enters: frozenset[str] = frozenset()
    scale: str = "demo"
    mode: str = "final"
    init_steps: int = 2
    budget: int = 2
    hypernetwork: Mapping[str, Any] = field(default_factory=dict)
    generation: Mapping[str, Any] = field(default_factory=dict)
    targets: Mapping[str, Any] = field(default_factory=dict)


DENSE = frozenset({"dense"})
SEPARABLE = frozenset({"separable", "dense"})  # what has one axis stays dense
STRUCTURED = frozenset({"structured", "dense"})  # what is small stays dense
TABLE = frozenset({"index table", "recomputed"})
FUSED = frozenset({"fused trunk"})
FUSED_GENERATED = frozenset({"fused generated trunk"})
ROWS = frozenset({"rows read"})
RECOMPUTED = frozenset({"recomputed"})

SMALL = {"index_frequencies": 64, "hidden_dim": 16}
SMALL_CHAIN = {"structure_frequencies": 8, "hidden_dim": 8}
WITH_STRUCTURE = {"structure_encoder": True}
FEW = {"members": 3, "reported": 1}

CASES = {
    # Every kind of target, formulas at the paper's sizes. Images of CIFAR-10 are augmented.
    "kan": Case("kan_kv", "uhn", DENSE, scale="paper", init_steps=3, budget=5),
    "kan_several_outputs": Case("kan_ellipj", "uhn", DENSE, scale="paper", budget=3, hypernetwork=WITH_STRUCTURE),
    "kan_jv": Case("kan_jv", "uhn", DENSE, scale="paper", budget=3),
    "cnn": Case("cifar10_cnn20", "uhn", STRUCTURED | FUSED),
    "gcn": Case("cora_gcn", "uhn", STRUCTURED),
    "gat": Case("pubmed_gat", "uhn", STRUCTURED),
    "transformer": Case("agnews_transformer2l", "uhn", STRUCTURED | FUSED | ROWS),
    # Every other way to get weights
    "kan_direct": Case("kan_kv", "direct", scale="paper", budget=5),
    "cnn_direct": Case("cifar10_cnn20", "direct"),
    "cnn_ha": Case("cifar10_cnn20", "ha"),
    "cnn_chunked": Case("cifar10_cnn20", "chunked"),
    # Several models, several tasks, several levels
    "family": Case("cnn_mixed_depth_width", "uhn", STRUCTURED | FUSED, targets=FEW),
    "family_tuning": Case("transformer_mixed", "uhn", DENSE | ROWS, mode="tuning", hypernetwork=SMALL, targets=FEW),
    "multi_task": Case("multi_task", "uhn", DENSE | FUSED | ROWS, budget=8, hypernetwork=SMALL),
    "multi_task_pcgrad": Case("multi_task", "uhn_pcgrad", DENSE | FUSED | ROWS, hypernetwork=SMALL),
    "recursion": Case("recursion_k2", "uhn", DENSE | FUSED_GENERATED, init_steps=6, hypernetwork=SMALL_CHAIN),
    # Every other encoding
    "cnn_raw": Case("cifar10_cnn20", "raw", TABLE),
    "cnn_positional": Case("cifar10_cnn20", "positional", TABLE),
    "cnn_hash": Case("cifar10_cnn20", "hash", TABLE),
    "half_precision_phases": Case("agnews_transformer2l", "half_precision_phases", TABLE | ROWS, hypernetwork=SMALL),
    "smooth_layers": Case("cnn_mixed_depth", "smooth_layers", DENSE | FUSED, hypernetwork=SMALL, targets=FEW),
    # Evaluations that small targets do not choose
    "cnn_dense": Case("cifar10_cnn20", "uhn", DENSE | FUSED, hypernetwork=SMALL, generation={"first_layer": "dense"}),
    "cnn_separable": Case(
        "cifar10_cnn20", "uhn", SEPARABLE | FUSED, hypernetwork=SMALL, generation={"first_layer": "separable"}
    ),
    "cnn_reference": Case("cifar10_cnn20", "uhn", TABLE, hypernetwork=SMALL, generation={"first_layer": "reference"}),
    "transformer_separable": Case(
        "agnews_transformer2l",
        "uhn",
        SEPARABLE | FUSED | ROWS,
        hypernetwork=SMALL,
        generation={"first_layer": "separable"},
    ),
    "cnn_in_groups": Case("cifar10_cnn20", "uhn", STRUCTURED | RECOMPUTED, budget=1, generation={"memory_mb": 1}),
}
