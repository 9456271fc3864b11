"""``uhn sweep``: hyperparameter searches on validation data."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from uhn.cli.job import add_job_options, job_options, run_job
from uhn.cli.track import add_store_options, report_tracking

if TYPE_CHECKING:
    from uhn.configuration.run import RunConfig
    from uhn.data.sources import DataSource
    from uhn.sweeps.candidate import Candidate
    from uhn.sweeps.grids import SweepConfig

EXAMPLES = """examples:
  uhn sweep list --scale paper
  uhn sweep run --sweep kan_kv --slot stage1/i0_j0 --seed 21962
  uhn sweep select --sweep kan_kv --stage 1        # when every candidate of the stage has run
  uhn sweep report --sweep kan_kv
  uhn sweep track --sweep kan_kv
"""
RUN_EXAMPLE = """example:
  uhn sweep run --sweep kan_kv --slot stage3/i0_j1 --seed 21962 --scale paper --resume

What a slot runs is decided by config/sweeps.yaml and the stage before. Where there is nothing to train, candidate.json
says so. A folder that holds this candidate already is left as it is.
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add ``uhn sweep`` and its commands to the parser."""
    parser = subparsers.add_parser(
        "sweep",
        help="search hyperparameters on validation data",
        description="Search hyperparameters on validation data (paper, Appendix F). `snakemake sweep_<name>` runs a "
        "whole sweep; these are its steps.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="sweep_command", required=True, metavar="COMMAND")
    command = _add(commands, "run", "train and validate one candidate", run_slot, epilog=RUN_EXAMPLE)
    command.add_argument("--slot", required=True, help="stage<k>/i<a>_j<b>, in stage 4 stage4/r<k>")
    command.add_argument("--seed", required=True, type=int, help="one of the stage's seeds")
    command.add_argument("--out", type=Path, metavar="DIR", help="default: <sweeps>/<sweep>/<slot>/seed<k>")
    add_job_options(command)
    command = _add(commands, "select", "decide a stage", select_stage)
    command.add_argument("--stage", required=True, type=int, help="1 to 4")
    command = _add(commands, "report", "write a sweep's figure and its table of grids and choices", report_sweep)
    command.add_argument("--out", type=Path, metavar="DIR", help="default: <sweeps>/<sweep>")
    command = _add(commands, "track", "index a finished sweep into MLflow", track)
    command.add_argument("--experiment", metavar="NAME", help="default: uhn-<scale>-sweeps")
    add_store_options(command)
    command = _add(commands, "list", "list what would run and what it would cost", list_sweeps, required=False)


def _add(commands: argparse._SubParsersAction, name: str, text: str, run, epilog=None, required: bool = True):
    command = commands.add_parser(
        name,
        help=text,
        description=f"{text[:1].upper()}{text[1:]}.",
        epilog=epilog or f"example:\n{next(line for line in EXAMPLES.splitlines() if f'sweep {name} ' in line)}\n",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("--sweep", required=required, help="its name; `uhn sweep list` has all")
    command.add_argument("--scale", default="demo", help="demo, cpu, lite or paper (default: %(default)s)")
    command.add_argument("--sweeps", type=Path, metavar="DIR", help="default: results/<scale>/sweeps")
    command.set_defaults(run=run)
    return command


def _sweeps(args: argparse.Namespace) -> Path:
    from uhn.paths import sweeps_dir

    return args.sweeps or sweeps_dir(args.scale)


def run_slot(args: argparse.Namespace) -> int:
    """Train and validate the candidate in a slot, or say why there is nothing to train."""
    from dataclasses import replace

    from uhn.errors import UserError
    from uhn.runs.folder import CANDIDATE, discard_run
    from uhn.sweeps.candidate import SKIPPED
    from uhn.sweeps.files import candidate_file, read_previous
    from uhn.sweeps.grids import Slot
    from uhn.sweeps.load import load_sweep
    from uhn.sweeps.selection import write_candidate
    from uhn.sweeps.stages import candidate_at

    sweep, slot, sweeps = load_sweep(args.sweep, args.scale), Slot.parse(args.slot), _sweeps(args)
    candidate = candidate_at(sweep, slot, read_previous(sweeps, sweep, args.scale, slot.stage))
    if args.seed not in sweep.seeds(slot.stage):
        known = ", ".join(map(str, sweep.seeds(slot.stage)))
        raise UserError(f"sweep {sweep.name}: seed {args.seed} is none of stage {slot.stage}; expected one of {known}")
    out = args.out or candidate_file(sweeps, sweep, slot, args.seed).parent
    if candidate.status == SKIPPED:
        write_candidate(out / CANDIDATE, sweep, args.scale, replace(candidate, seeds=(args.seed,)))
        discard_run(out)
        print(f"{out / CANDIDATE}: nothing to train, {candidate.reason}")
        return 0
    return _run_candidate(args, sweep, candidate, out)


def _run_candidate(args: argparse.Namespace, sweep: SweepConfig, candidate: Candidate, out: Path) -> int:
    """Train and validate a candidate.

    A folder that holds it already is left as it is: when the stage before is decided again, candidates that keep their
    hyperparameters cost nothing.
    """
    from uhn.configuration.resolve import source_of
    from uhn.data.sources import DataSource
    from uhn.runs.folder import CANDIDATE
    from uhn.runs.identity import read_finished, result_problem
    from uhn.sweeps.expected import Expectation
    from uhn.sweeps.selection import write_candidate

    source = DataSource.parse(args.data or source_of(args.scale))
    config = Expectation(args.scale, source.kind).candidate(sweep, candidate.hyperparameters, args.seed)
    if result_problem(out, config, weights=False) is not None and (code := _train(args, config, source, out)):
        return code
    result = read_finished(out, config).result
    outcome = candidate.after(result)
    write_candidate(out / CANDIDATE, sweep, args.scale, outcome, result)
    print(f"{out / CANDIDATE}: {outcome.status}")
    return 0


def _train(args: argparse.Namespace, config: RunConfig, source: DataSource, out: Path) -> int:
    from uhn.allocator import keep_freed_memory

    keep_freed_memory()

    from uhn.configuration.resolve import load_experiment, resolve
    from uhn.training.candidate import run_candidate

    paper_config = resolve(load_experiment(config.setting), config.variant, config.seed, "paper")
    return run_job(lambda: run_candidate(config, out, job_options(args, source), paper_config))


def select_stage(args: argparse.Namespace) -> None:
    """Rank the candidates of a stage and write selected.json."""
    from uhn.paths import selection_file
    from uhn.sweeps.files import read_previous, read_sources
    from uhn.sweeps.identity import read_stage
    from uhn.sweeps.load import load_sweep
    from uhn.sweeps.selection import write_selection
    from uhn.sweeps.stages import select

    sweep, sweeps = load_sweep(args.sweep, args.scale), _sweeps(args)
    previous = read_previous(sweeps, sweep, args.scale, args.stage)
    results = read_stage(sweeps, sweep, args.scale, args.stage)
    selection = select(sweep, args.scale, args.stage, results, previous)
    path = selection_file(sweeps, sweep.name, args.stage)
    write_selection(path, selection, read_sources(sweeps, sweep, args.scale, args.stage))
    print(f"{path}: {len(selection.ranking)} ranked, {len(selection.dropped)} dropped; next: {selection.winner}")


def report_sweep(args: argparse.Namespace) -> None:
    """Write the figure and the table of one sweep; name the files."""
    from uhn.configuration.resolve import load_scale
    from uhn.reporting.collect_sweeps import collect_sweeps
    from uhn.reporting.figures.publish_figure import publish_stages
    from uhn.reporting.publish_table import publish_sweep
    from uhn.reporting.reference import load_reference

    sweeps = _sweeps(args)
    (sweep,) = collect_sweeps([args.sweep], sweeps, args.scale, load_reference())
    out = args.out or sweeps / args.sweep
    scale = args.scale, load_scale(args.scale)["label"]
    for path in publish_stages(sweep, sweeps, out, *scale).paths + publish_sweep(sweep, sweeps, out, *scale).paths:
        print(path)


def track(args: argparse.Namespace) -> None:
    """Track a sweep and print one line about it."""
    from uhn.sweeps.load import load_sweep
    from uhn.tracking import track_sweep

    sweep = load_sweep(args.sweep, args.scale)
    report_tracking(args, "candidates", lambda uri: track_sweep(_sweeps(args), sweep, args.scale, uri, args.experiment))


def list_sweeps(args: argparse.Namespace) -> None:
    """Print one line for each sweep, then the total."""
    import torch

    from uhn.benchmarks.step_times import StepTimes
    from uhn.cli.sweep_costs import describe_sweep
    from uhn.sweeps.load import load_sweep, load_sweeps

    torch.set_num_threads(1)
    step_times = StepTimes(Path("scratch"))
    sweeps = [load_sweep(args.sweep, args.scale)] if args.sweep else list(load_sweeps(args.scale).values())
    heads = ("stage 1", "stage 2", "stage 3", "stage 4", "final", "runs", "core-hours")
    print(f"{'sweep':<28}" + "".join(f"{head:>11}" for head in heads))
    runs, hours = 0, 0.0
    for sweep in sweeps:
        counts, cost = describe_sweep(sweep, args.scale, step_times)
        total = sum(counts.values())
        columns = [counts.get(key, 0) for key in ("stage1", "stage2", "stage3", "stage4", "final")]
        print(f"{sweep.name:<28}" + "".join(f"{count:>11}" for count in (*columns, total)) + f"{cost:>11.2f}")
        runs, hours = runs + total, hours + cost
    print(f"{len(sweeps)} sweeps, at most {runs} runs, about {hours:.1f} core-hours (estimate)")
