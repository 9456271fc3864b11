"""One training job: configuration -> run.json, metrics.jsonl, generator.safetensors and, last, training.json."""

from __future__ import annotations

import hashlib
import resource
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as save_safetensors
from torch import nn
from tqdm import tqdm

from uhn import CODE_VERSION
from uhn.configuration.run import RunConfig
from uhn.data.sources import STANDIN, DataSource
from uhn.device import acquire_device, describe_machine
from uhn.errors import UserError
from uhn.files import read_json, write_bytes, write_json
from uhn.metrics import not_finite
from uhn.runs.folder import SCHEMA_VERSION
from uhn.runs.journal import Journal
from uhn.runs.provenance import source_digest
from uhn.runs.workspace import check_writable, discard, open_workspace
from uhn.seeding import derive_seed
from uhn.training.build import build_generator
from uhn.training.checkpoint import load_checkpoint, save_checkpoint
from uhn.training.counts import count_run, count_targets, paper_targets
from uhn.training.fit import Fit, Progress
from uhn.training.phases import Phase, plan_phases
from uhn.training.targets import TargetSet
from uhn.training.tasks.base import DataFacts
from uhn.training.tasks.load import load_task
from uhn.training.workload import Member

CHECKPOINT_SECONDS = 30.0


class Interrupted(Exception):
    """SIGTERM or SIGINT arrived: the present step was finished and a checkpoint written."""


@dataclass(frozen=True)
class JobOptions:
    """Facts of the job that do not change its numbers on one machine.

    Args:
        device: ``cpu`` or ``cuda``.
        source: where data sets are; formulas need none.
        threads: CPU threads of torch. Another number changes the last digits.
        scratch: folder of resume checkpoints and lock files.
        resume: continue from a checkpoint of the same configuration if there is one.
        checkpoint_s: seconds between checkpoints.
    """

    device: str = "cpu"
    source: DataSource = STANDIN
    threads: int = 1
    scratch: Path = Path("scratch")
    resume: bool = False
    checkpoint_s: float = CHECKPOINT_SECONDS


def train_run(config: RunConfig, out: Path, options: JobOptions, paper_config: RunConfig | None = None) -> None:
    """Train one run and write its files to ``out``.

    Args:
        config: the run.
        out: its folder; existing files of an earlier run are replaced.
        options: facts of the job.
        paper_config: the same run at the paper's scale, for the parameter counts; ``config`` when absent.

    Raises:
        UserError: bad device, unwritable folder, damaged checkpoint.
        Interrupted: stopped by a signal; run again with ``resume`` to continue.
    """
    check_writable(out)
    torch.set_num_threads(options.threads)
    with (
        open_workspace(options.scratch, config, options.device) as work,
        acquire_device(options.device, options.scratch / "gpu") as device,
    ):
        members = load_members(config, "train", options.source, device)
        generator = build_generator(config, [member.targets for member in members]).to(device)
        torch.manual_seed(derive_seed(config.seed, "training"))  # dropout, and whatever else a step draws
        fit = start_or_resume(config, generator, members, work, options, device)
        run_with_checkpoints(fit, config, work, options)
        publish(fit, config, paper_config or config, work, out, device, options)
        discard(work)


def load_members(config: RunConfig, split: str, source: DataSource, device: torch.device) -> list[Member]:
    """Load one split of every task of a run, and its target models.

    Raises:
        UserError: data are missing, damaged, or of another source than the configuration says.
    """
    expected = "standin" if source.standin else "published"
    if config.source not in (expected, "formula"):
        raise UserError(
            f"{config.key}: configured for {config.source} data, got the data source '{source.kind}'; "
            "give another --data"
        )
    members = []
    for task_config in config.tasks:
        task = load_task(config, task_config, split, source, device)
        targets = TargetSet(task_config, config.mode, task.facts.sizes)
        targets.to(device)
        members.append(Member(task_config.name, task, targets, task_config.probability))
    return members


def start_or_resume(
    config: RunConfig,
    generator: nn.Module,
    members: list[Member],
    work: Path,
    options: JobOptions,
    device: torch.device,
) -> Fit:
    """Set up the loop, from its checkpoint if asked for and there is one."""
    checkpoint, metrics = work / "checkpoint", work / "metrics.jsonl"
    state = load_checkpoint(checkpoint, device) if options.resume and checkpoint.exists() else None
    phases = plan_phases(config, members)
    if state is None:
        checkpoint.unlink(missing_ok=True)
        write_json(work / "run.json", describe_run(config, members, phases, device))
    fit = Fit(
        generator,
        phases,
        config.optimizer,
        Journal(metrics, state["journal_bytes"] if state else 0),
        Progress(),
        members,
        config.precision[device.type],
    )
    if state:
        fit.load_state(state)
    return fit


def run_with_checkpoints(fit: Fit, config: RunConfig, work: Path, options: JobOptions) -> None:
    """Run the loop to its end, with a progress bar, checkpoints in time, and an orderly stop on signals."""
    total = sum(phase.steps for phase in fit.phases)
    done = sum(phase.steps for phase in fit.phases[: fit.progress.phase]) + fit.progress.step
    saved = time.monotonic()
    with (
        stop_signals() as stopped,
        tqdm(total=total, initial=done, desc=config.key, unit="step", disable=not sys.stderr.isatty()) as bar,
    ):

        def after_step() -> bool:
            nonlocal saved
            bar.update()
            due = time.monotonic() - saved >= options.checkpoint_s
            if due or stopped or fit.finished:
                save_checkpoint(work / "checkpoint", fit.state())
                saved = time.monotonic()
            return not stopped

        fit.run(after_step)
        if stopped and not fit.finished:
            raise Interrupted(f"{config.key}: stopped by a signal after a checkpoint; run again to continue")


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Collect SIGTERM and SIGINT in a list instead of dying in the middle of a step."""
    received: list[int] = []
    previous = {s: signal.signal(s, lambda number, _: received.append(number)) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def describe_run(config: RunConfig, members: list[Member], phases: list[Phase], device: torch.device) -> dict[str, Any]:
    """Return the content of run.json."""
    return {
        "schema_version": SCHEMA_VERSION,
        "setting": config.setting,
        "variant": config.variant,
        "seed": config.seed,
        "scale": config.scale,
        "config": config.to_dict(),
        "config_digest": config.digest,
        "code_version": CODE_VERSION,
        "source_digest": source_digest(),
        "provenance": describe_machine(device),
        "precision": config.precision[device.type],
        "phases": {phase.name: phase.steps for phase in phases},
        "data": describe_data([member.task.facts for member in members]),
        "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
    }


def describe_data(facts: list[DataFacts]) -> dict[str, Any]:
    """Return the data section of run.json; several tasks share the source of those that read files."""
    sources = [fact.source for fact in facts if fact.source != "formula"] or ["formula"]
    digests = [fact.sha256 for fact in facts]
    return {
        "dataset": ", ".join(fact.dataset for fact in facts),
        "source": sources[0],
        "note": "; ".join(fact.note for fact in facts if fact.note) or None,
        "sizes": [fact.sizes for fact in facts],
        "train_sha256": digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest(),
    }


def publish(
    fit: Fit,
    config: RunConfig,
    paper_config: RunConfig,
    work: Path,
    out: Path,
    device: torch.device,
    options: JobOptions,
) -> None:
    """Move a finished run's files to its folder; training.json comes last and marks completion."""
    fit.journal.close()
    progress = fit.progress
    weights = save_safetensors({name: t.cpu().contiguous() for name, t in fit.generator.state_dict().items()})
    metrics = {} if progress.diverged else evaluate_training(fit)
    reason = f"loss not finite at {progress.diverged}" if progress.diverged else not_finite(metrics)
    steps = {"init": 0, "train": 0}
    for phase in fit.phases:
        steps[phase.name.partition("_")[0]] += phase.steps
    targets = [member.targets for member in fit.members]
    write_bytes(out / "generator.safetensors", weights)
    write_bytes(out / "metrics.jsonl", (work / "metrics.jsonl").read_bytes())
    write_json(out / "run.json", read_json(work / "run.json"))
    write_json(
        out / "training.json",
        {
            "schema_version": SCHEMA_VERSION,
            "status": "diverged" if reason else "completed",
            "reason": reason,
            "metrics": {} if reason else metrics,
            "parameters": {
                "run": asdict(count_run(config, targets, options.scratch)),
                "paper": asdict(count_run(paper_config, cache=options.scratch)),
            },
            **(_describe_family(targets, paper_config, options.scratch) if targets[0].is_family else {}),
            "steps": steps,
            "cost": {
                "wall_s": round(progress.wall_s, 3),
                "cpu_s": round(progress.cpu_s, 3),
                "step_s": round(progress.train_s / max(steps["train"], 1), 6),
                "peak_memory_bytes": peak_memory_bytes(device),
                "device": device.type,
                "threads": options.threads,
            },
            "generator_sha256": hashlib.sha256(weights).hexdigest(),
        },
    )


def _describe_family(targets: list[TargetSet], paper_config: RunConfig, scratch: Path) -> dict[str, Any]:
    run, paper = count_targets(targets, scratch), count_targets(paper_targets(paper_config), scratch)
    return {"family": {"run": asdict(run), "paper": asdict(paper)}}


@torch.no_grad()
def evaluate_training(fit: Fit) -> dict[str, float]:
    """Return the final training metrics of a run on one model; settings of several report test metrics only."""
    if len(fit.members) > 1 or fit.members[0].targets.is_family:
        return {}
    (member,) = fit.members
    target = member.targets.build(member.targets.roles.train[0])
    return {f"train/{name}": value for name, value in member.task.evaluate(target, fit.generator(target)).items()}


def peak_memory_bytes(device: torch.device) -> int:
    """Return the peak of allocated GPU memory, or of the process's resident memory on a CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
