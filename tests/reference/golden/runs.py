"""Runs the jobs of the golden traces: the one place of these tests that knows the package from inside.

A trace is read from the files of a job, which the code behind ``uhn train`` and ``uhn evaluate`` writes on stand-in
data. So everything that decides on numbers is in it: resolution, seeds, data, augmentation, draws, phases, optimiser,
evaluation.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from golden.cases import Case
from safetensors.torch import load_file
from torch import Tensor, nn

from uhn.configuration.resolve import load_experiment, resolve
from uhn.configuration.run import RunConfig
from uhn.data import standin
from uhn.hypernetworks.evaluation import engine, network, queries
from uhn.layers.sparse_features import SparseFeatures
from uhn.models.base import TargetModel
from uhn.training import build, runner
from uhn.training.evaluate import evaluate_run
from uhn.training.runner import JobOptions, train_run
from uhn.training.tasks import regression

SEED = 21962
# Images and texts of the stand-ins. Batches leave a short last one.
EXAMPLES = {"train": 60, "test": 20}
BATCH_SIZE = 40


def run_job(case: Case, folder: Path) -> tuple[dict[str, Any], set[str]]:
    """Train and evaluate a case.

    Args:
        case: the job.
        folder: for its files; stand-ins are written to, and read from, the working folder.

    Returns:
        The trace, with the digest of the configuration and numbers by name, and the evaluations that training entered.
    """
    config = configure(case)
    with float64() as built, small_standins():
        with watch() as entered:
            train_run(reduce(config, case), folder, JobOptions(scratch=folder / "scratch"))
        evaluate_run(folder)
    return {"config": config.digest[:16], "numbers": read_numbers(folder) | summarise(folder, *built[0])}, entered


def cannot_repeat(case: Case) -> str | None:
    """Say why this processor computes other numbers than those of the file, or None."""
    if torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        return "torch draws float32 numbers with other last digits without AVX2; phases of 1,000 radians show them"
    if getattr(configure(case).hypernetwork, "phase_precision", None) == "float16" and not _rounds_cosines_alike():
        return "a float32 cosine or sine of some half-precision phase rounds to another half-precision number here"
    return None


def _rounds_cosines_alike() -> bool:
    """Tell whether features of half precision, which are computed in float32, are those of float64."""
    phases = torch.arange(-(2**15), 2**15, dtype=torch.int16).view(torch.float16)
    phases = phases[phases.isfinite()]
    return all(torch.equal(f(phases.float()).half(), f(phases.double()).half()) for f in (torch.cos, torch.sin))


def configure(case: Case) -> RunConfig:
    """Resolve the run of a case."""
    return resolve(load_experiment(case.setting), case.variant, SEED, case.scale, mode=case.mode)


def reduce(config: RunConfig, case: Case) -> RunConfig:
    """Make a run as small as its case says."""
    changes: dict[str, Any] = {
        "tasks": tuple(
            replace(task, batch_size=task.batch_size and BATCH_SIZE, reduction=replace(task.reduction, **case.targets))
            for task in config.tasks
        ),
        "train": replace(config.train, budget=case.budget, warmup=1),
    }
    if config.init is not None and config.init.steps:
        steps, warmup = case.init_steps * len(config.init.lr), min(config.init.warmup_steps, 1)
        changes["init"] = replace(config.init, steps=steps, warmup_steps=warmup)
    if case.hypernetwork:
        changes["hypernetwork"] = replace(config.hypernetwork, **case.hypernetwork)
    if case.generation:
        changes["generation"] = replace(config.generation, **case.generation)
    return replace(config, **changes)


def read_numbers(folder: Path) -> dict[str, float]:
    """Collect what the files of a job say of its steps, and its metrics."""
    numbers = {}
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        entry = json.loads(line)
        for name in ("lr", "loss", "gradient_norm", "epoch_loss", "mean_loss"):
            if name in entry:
                numbers[f"{entry['phase']} step {entry['step']}: {name}"] = entry[name]
    return numbers | json.loads((folder / "result.json").read_text())["metrics"]


def summarise(folder: Path, generator: nn.Module, initial: list[Tensor]) -> dict[str, float]:
    """Sum up the parameters in a job's file and how far they are from the initial ones."""
    trained = load_file(folder / "generator.safetensors")
    final = [trained[name] for name, _ in generator.named_parameters()]
    return {
        "parameters: sum of absolute values": sum(p.abs().sum().item() for p in final),
        "parameters: sum of squares": sum(p.square().sum().item() for p in final),
        "parameters: squared way": sum((p - q).square().sum().item() for p, q in zip(final, initial, strict=True)),
    }


@contextmanager
def small_standins() -> Iterator[None]:
    """Have stand-ins written with few images and texts."""
    with patch.dict(standin.IMAGES, EXAMPLES), patch.dict(standin.TEXTS, EXAMPLES):
        yield


@contextmanager
def float64() -> Iterator[list[tuple[nn.Module, list[Tensor]]]]:
    """Have jobs compute in float64, from the float32 draws and data of any job.

    In float32 the last digits, which differ between processors, reach the third digit within five steps.

    Yields:
        The generators built in the block, with copies of their initial parameters.
    """
    built = []
    build_generator, run, load_formula = runner.build_generator, TargetModel.run, regression.load_formula

    def build_wide(*arguments):
        generator = build_generator(*arguments).double()
        built.append((generator, [parameter.detach().clone() for parameter in generator.parameters()]))
        return generator

    def run_wide(target, weights, *inputs):
        return run(target.double(), weights, *map(_widen, inputs))

    def load_wide(*arguments):
        return tuple(map(_widen, load_formula(*arguments)))

    with (
        patch.object(runner, "build_generator", build_wide),
        patch.object(build, "build_generator", build_wide),
        patch.object(TargetModel, "run", run_wide),
        patch.object(regression, "load_formula", load_wide),
    ):
        yield built


def _widen(x: Any) -> Any:
    if isinstance(x, SparseFeatures):
        return SparseFeatures(x.pattern, x.values.double())
    return x.double() if x.is_floating_point() else x


@contextmanager
def watch() -> Iterator[set[str]]:
    """Note which evaluations training enters.

    Yields:
        ``dense``, ``separable`` and ``structured`` of planned first layers, ``index table`` where there is no plan;
        ``fused trunk`` and ``fused generated trunk``; ``rows read`` where targets are generated in part;
        ``recomputed`` where the backward pass repeats parts of the forward pass.
    """
    entered: set[str] = set()

    def note_plan(prepared, *_):
        plan = prepared.plan
        entered.update({"index table"} if plan is None else {component.route for component in plan.report()})

    def note_trunk(_, h, stack, *__):
        entered.add("fused trunk" if stack.layers[0][0] is not None else "fused generated trunk")

    def note(name: str) -> Callable[..., None]:
        return lambda *_: entered.add(name)

    with ExitStack() as stack:
        for owner, name, notice in (
            (engine.Engine, "_compute", note_plan),
            (network, "fused_trunk", note_trunk),
            (engine, "restrict", note("rows read")),
            (queries, "recomputed", note("recomputed")),
        ):
            stack.enter_context(patch.object(owner, name, _noticed_in_training(getattr(owner, name), notice)))
        yield entered


def _noticed_in_training(function: Callable, notice: Callable[..., None]) -> Callable:
    """Pass on what a function returns, and its arguments, where gradients are recorded."""

    def wrapped(*arguments, **named):
        result = function(*arguments, **named)
        if torch.is_grad_enabled():
            notice(result, *arguments)
        return result

    return wrapped
