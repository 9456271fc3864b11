"""What is measured: cases, the sets of them behind each command, and the environments they run in."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from uhn.benchmarks.variants import VARIANTS
from uhn.benchmarks.workload import build_target, check_trainable, generator_config
from uhn.errors import UserError

TARGETS = ("kan_kv", "mnist_mlp", "cora_gcn", "cifar10_cnn20", "agnews_transformer2l")
QUICK_TARGETS = TARGETS[:3]
# Half of the released step's time goes into page faults of its large temporaries; these settings avoid them.
ALLOCATORS = {
    "default": {},
    "tuned": {
        "THP_MEM_ALLOC_ENABLE": "1",
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": "100000000000",
        "MALLOC_TOP_PAD_": "268435456",
    },
}
# Resident memory in feature matrices: phases, cosines and sines are half a matrix each while they are joined to a
# whole one, and the tuned allocator keeps what the step before has freed; a stored matrix is joined from parts.
LIVE_MATRICES = {"released": 4.0, "dense": 2.0}
# Share of the free memory that one worker may plan for.
MEMORY_SHARE = 0.8
# Scaling: sizes from 10^4 to 10^7 by the number of equal layers, a wider stack of 10^7, and generator sizes.
SIZES = ("conv1x32", "conv3x64", "conv27x64", "conv271x64", "conv68x128")
QUICK_SIZES = SIZES[:2]
SWEPT_TARGET, QUICK_SWEPT_TARGET = "cora_gcn", "kan_kv"
FREQUENCIES = (512, 1024, 2048, 4096)
HIDDEN_DIMS = (32, 64, 128, 256)
# From this many scalars on a step takes minutes, and the first one is timed.
UNWARMED_SCALARS = 5_000_000


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Args:
        target, variant: names.
        allocator: name of the environment.
        step: ``generator`` or ``training``.
        every: rows left out, see `uhn.benchmarks.variants.released`.
        frequencies, hidden_dim: F and d, if not the paper's for the target.
        warmup: steps that are not timed.
        sweep: which series of a scaling benchmark the case belongs to.
    """

    target: str
    variant: str
    allocator: str = "default"
    step: str = "generator"
    every: int = 1
    frequencies: int | None = None
    hidden_dim: int | None = None
    warmup: int = 2
    sweep: str = ""

    @property
    def label(self) -> str:
        """The variant, with the allocator where it is not the default."""
        return self.variant if self.allocator == "default" else f"{self.variant}, {self.allocator} allocator"

    def arguments(self) -> list[str]:
        """Return the worker's command line."""
        options = {
            "--step": self.step,
            "--every": self.every,
            "--warmup": self.warmup,
            "--frequencies": self.frequencies,
            "--hidden-dim": self.hidden_dim,
        }
        given = [text for name, value in options.items() if value is not None for text in (name, str(value))]
        return [self.target, self.variant, *given]


@dataclass(frozen=True)
class Left:
    """A case that is not measured, and why."""

    case: Case
    reason: str


def available_bytes() -> int:
    """Return the memory that a new process can use."""
    try:
        return 1024 * int(re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
    except (OSError, TypeError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def feature_bytes(variant: str, num_scalars: int, frequencies: int) -> float:
    """Estimate the largest size of the feature matrices that live at once in a variant."""
    return LIVE_MATRICES.get(variant, 0.0) * num_scalars * 2 * frequencies * 4


def comparison_cases(
    step: str, targets: Sequence[str], variants: Sequence[str], memory: int
) -> tuple[list[Case], list[Left]]:
    """Return the cases of a comparison, ``released`` under both allocators, and what does not fit the memory.

    Args:
        step: ``generator`` or ``training``.
        targets, variants: names.
        memory: bytes that are available.

    Raises:
        UserError: unknown target or variant, no ``released`` to compare with, or a target without synthetic batch.
    """
    check_variants(variants)
    cases: list[Case] = []
    left: list[Left] = []
    for name in dict.fromkeys(targets):
        target = build_target(name)
        if step == "training":
            check_trainable(target)
        config = generator_config(target)
        for variant in dict.fromkeys(variants):
            needed = feature_bytes(variant, target.num_params, config.index_frequencies) / (MEMORY_SHARE * memory)
            case = Case(name, variant, step=step)
            if variant == "released":
                every = max(-int(-needed // 1), 1)
                cases += [Case(name, variant, allocator, step, every) for allocator in ALLOCATORS]
            elif needed > 1:
                left.append(Left(case, "its feature matrix does not fit the memory that was free"))
            else:
                cases.append(case)
    return cases, left


def scaling_cases(sizes: Sequence[str], swept: str) -> list[Case]:
    """Return the cases of the scaling benchmark, all of them ``auto``.

    Args:
        sizes: stacks of convolutions.
        swept: target for the sweeps over F and d.
    """
    cases = []
    for name in sizes:
        warmup = 2 if build_target(name).num_params < UNWARMED_SCALARS else 0
        cases.append(Case(name, "auto", warmup=warmup, sweep="N"))
    cases += [Case(swept, "auto", frequencies=f, sweep="F") for f in FREQUENCIES]
    return cases + [Case(swept, "auto", hidden_dim=d, sweep="d") for d in HIDDEN_DIMS]


def check_variants(variants: Sequence[str], known: Collection[str] = VARIANTS) -> None:
    """Refuse unknown variants, and a comparison without its reference.

    Raises:
        UserError: see above.
    """
    for name in variants:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
            raise UserError(f"unknown variant '{name}'; {hint}")
    if "released" not in variants:
        raise UserError("uhn bench: --variants needs 'released', which all others are compared with")
