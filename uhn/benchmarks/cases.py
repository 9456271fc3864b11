"""What is measured: cases, the sets of them behind each command, and the environments they run in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from uhn.benchmarks.routes import CPU, GPU, ROUTES
from uhn.benchmarks.workload import build_target, check_trainable, generator_config
from uhn.errors import UserError, suggest

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
# On a GPU the first step prepares and compiles, the next ones let the allocator and the loss scale settle.
WARMUP = {CPU: 2, GPU: 3}


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Args:
        target, route: names.
        step: ``generator`` or ``training``.
        device: ``cpu`` or ``cuda``.
        precision: of autocast.
        allocator: name of the environment.
        every: rows left out, see `uhn.benchmarks.routes.released`.
        frequencies, hidden_dim: F and d, if not the paper's for the target.
        warmup: steps that are not timed.
        sweep: which series of a scaling benchmark the case belongs to.
    """

    target: str
    route: str
    step: str = "generator"
    device: str = CPU
    precision: str = "float32"
    allocator: str = "default"
    every: int = 1
    frequencies: int | None = None
    hidden_dim: int | None = None
    warmup: int = WARMUP[CPU]
    sweep: str = ""

    @property
    def label(self) -> str:
        """Target, step and route, with the allocator where it is not the default."""
        allocator = "" if self.allocator == "default" else f", {self.allocator} allocator"
        return f"{self.target}, {self.step} step, {self.route}{allocator}"


@dataclass(frozen=True)
class Missing:
    """A case without a measurement, and why."""

    case: Case
    reason: str


def comparison_cases(
    steps: Sequence[str],
    targets: Sequence[str],
    routes: Sequence[str] | None = None,
    device: str = CPU,
    precision: str = "float32",
    memory: float | None = None,
) -> tuple[list[Case], list[Missing]]:
    """Return the cases of a comparison, ``released`` under both allocators of a CPU, and what does not fit the memory.

    Args:
        steps: of ``generator`` and ``training``.
        targets, routes: names; None stands for all routes of the device.
        device, precision: as in `Case`.
        memory: bytes that are available; None where nothing limits them beforehand, as on a GPU.

    Raises:
        UserError: unknown target or route, no ``released`` to compare with, or a target without synthetic batch.
    """
    routes = check_routes(routes, device)
    cases: list[Case] = []
    missing: list[Missing] = []
    for name in dict.fromkeys(targets):
        target = build_target(name)
        if "training" in steps:
            check_trainable(target)
        matrix_bytes = target.num_params * 2 * generator_config(target).index_frequencies * 4
        for step in steps:
            for route in routes:
                needed = ROUTES[route].live_matrices * matrix_bytes / (MEMORY_SHARE * (memory or math.inf))
                case = Case(name, route, step, device, precision, warmup=WARMUP[device])
                if route == "released":
                    every = max(math.ceil(needed), 1)
                    allocators = ALLOCATORS if device == CPU else ("default",)
                    cases += [replace(case, every=every, allocator=allocator) for allocator in allocators]
                elif needed > 1:
                    missing.append(Missing(case, "its feature matrix does not fit the memory that was free"))
                else:
                    cases.append(case)
    return cases, missing


def scaling_cases(sizes: Sequence[str], swept: str) -> list[Case]:
    """Return the cases of the scaling benchmark, all of them ``auto``.

    Args:
        sizes: stacks of convolutions.
        swept: target for the sweeps over F and d.
    """
    cases = []
    for name in sizes:
        warmup = WARMUP[CPU] if build_target(name).num_params < UNWARMED_SCALARS else 0
        cases.append(Case(name, "auto", warmup=warmup, sweep="N"))
    cases += [Case(swept, "auto", frequencies=f, sweep="F") for f in FREQUENCIES]
    return cases + [Case(swept, "auto", hidden_dim=d, sweep="d") for d in HIDDEN_DIMS]


def check_routes(routes: Sequence[str] | None, device: str) -> list[str]:
    """Return the chosen routes, each once, or all of a device.

    Raises:
        UserError: a route is unknown there, or ``released`` is missing, the reference of the comparison.
    """
    known = [name for name, route in ROUTES.items() if device in route.devices]
    chosen = list(dict.fromkeys(routes or known))
    for name in chosen:
        if name not in known:
            raise UserError(f"unknown route '{name}'; {suggest(name, known)}")
    if "released" not in chosen:
        raise UserError("uhn bench: --routes needs 'released', which all others are compared with")
    return chosen
