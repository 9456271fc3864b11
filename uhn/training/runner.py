"""One training job: configuration -> run.json, metrics.jsonl, generator.safetensors and, last, training.json."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from uhn.configuration.run import RunConfig
from uhn.data.sources import STANDIN, DataSource
from uhn.device import acquire_device
from uhn.errors import UserError
from uhn.hypernetworks.generator import Generator
from uhn.runs.folder import METRICS, RUN, TRAINED, write_record
from uhn.runs.identity import read_identity, refuse_other_run, training_problem
from uhn.runs.journal import Journal
from uhn.runs.workspace import check_writable, discard, open_workspace
from uhn.seeding import derive_seed
from uhn.training.build import build_generator
from uhn.training.checkpoint import load_checkpoint, save_checkpoint
from uhn.training.counts import describe_counts
from uhn.training.description import describe_run
from uhn.training.fit import Fit
from uhn.training.members import Member, load_members
from uhn.training.phases import plan_phases
from uhn.training.results import write_results
from uhn.training.signals import Interrupted, stop_signals


@dataclass(frozen=True)
class JobOptions:
    """Facts of the job that do not change its numbers on one machine.

    Args:
        device: ``cpu`` or ``cuda``.
        source: where data sets are; formulas need none.
        threads: CPU threads of torch. Another number changes the last digits.
        scratch: folder of resume checkpoints and lock files.
        resume: continue from a checkpoint of the same configuration if there is one; leave a finished run as it is.
        checkpoint_s: seconds between checkpoints.

    Raises:
        UserError: no number of threads.
    """

    device: str = "cpu"
    source: DataSource = STANDIN
    threads: int = 1
    scratch: Path = Path("scratch")
    resume: bool = False
    checkpoint_s: float = 30.0

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise UserError(f"threads: expected at least 1, got {self.threads}")


def train_run(config: RunConfig, out: Path, options: JobOptions, paper_config: RunConfig | None = None) -> None:
    """Train one run and write its files to ``out``.

    Args:
        config: the run.
        out: its folder; files of an earlier run of this name are replaced when the new ones are complete.
        options: facts of the job.
        paper_config: the same run at the paper's scale, for the parameter counts; ``config`` when absent.

    Raises:
        UserError: bad device, unwritable folder or one that holds another run, damaged checkpoint.
        Interrupted: stopped by a signal; run again with ``resume`` to continue.
    """
    check_writable(out)
    refuse_other_run(out, config)
    if options.resume and training_problem(out, config) is None:
        touch(out)
        return
    torch.set_num_threads(options.threads)
    with (
        open_workspace(options.scratch, config, options.device) as work,
        acquire_device(options.device, options.scratch / "gpu") as device,
    ):
        members = load_members(config, "train", options.source, device)
        targets = [member.targets for member in members]
        generator = build_generator(config, targets).to(device)
        torch.manual_seed(derive_seed(config.seed, "training"))  # dropout, and whatever else a step draws
        fit = start_or_resume(config, generator, members, work, options.resume)
        run_with_checkpoints(fit, config, work / "checkpoint", options.checkpoint_s)
        counts = describe_counts(generator, targets, paper_config or config, options.scratch)
        write_results(fit, config.digest, counts, work, out)
        discard(work)


def start_or_resume(config: RunConfig, generator: Generator, members: list[Member], work: Path, resume: bool) -> Fit:
    """Set up the loop, from its checkpoint if asked for and there is one."""
    device = next(generator.parameters()).device
    checkpoint, metrics = work / "checkpoint", work / METRICS
    state = load_checkpoint(checkpoint, device, config.digest) if resume and checkpoint.exists() else None
    phases = plan_phases(config, members[0].task.steps_per_epoch)
    if state is None:
        checkpoint.unlink(missing_ok=True)
    if state is None or not describes(work, config):
        write_record(work / RUN, describe_run(config, members, phases, device))
    journal = Journal(metrics, config.digest, state["journal_bytes"] if state else 0)
    precision = config.precision[device.type]
    fit = Fit(generator, phases, members, config.seed, config.optimizer, journal, precision)
    if state:
        fit.load_state(state)
    return fit


def describes(folder: Path, config: RunConfig) -> bool:
    """Tell whether ``run.json`` of a folder is there, whole and of this run."""
    try:
        return read_identity(folder)[0] == config
    except UserError:
        return False


def touch(out: Path) -> None:
    """Date the files of a finished training as if it had ended now, for a scheduler that goes by times."""
    for name in TRAINED:
        (out / name).touch()


def run_with_checkpoints(fit: Fit, config: RunConfig, checkpoint: Path, checkpoint_s: float) -> None:
    """Run the loop to its end, with a progress bar, checkpoints in time, and an orderly stop on signals.

    Raises:
        Interrupted: stopped by a signal, after a checkpoint.
    """
    total = sum(phase.steps for phase in fit.phases)
    saved = time.monotonic()
    with (
        stop_signals() as stopped,
        tqdm(total=total, initial=fit.steps_done, desc=config.key, unit="step", disable=not sys.stderr.isatty()) as bar,
    ):
        while not fit.finished:
            fit.step()
            bar.update()
            if stopped or fit.finished or time.monotonic() - saved >= checkpoint_s:
                save_checkpoint(checkpoint, fit.state(), config.digest)
                saved = time.monotonic()
            if stopped and not fit.finished:
                raise Interrupted(
                    f"{config.key}: stopped by a signal after a checkpoint; run again with --resume to continue"
                )
    fit.journal.close()
