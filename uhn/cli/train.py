"""``uhn train``: train one run."""

from __future__ import annotations

import argparse
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uhn.cli.job import add_job_options, job_options, run_job

if TYPE_CHECKING:
    from uhn.configuration.run import RunConfig

EXAMPLE = """example:
  uhn train --setting kan_kv --variant uhn --seed 21962 --scale demo --out my_run
  uhn evaluate my_run
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "train",
        help="train one run",
        description="Train one run and write run.json, metrics.jsonl, generator.safetensors and training.json.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--setting", required=True, help="name of an experiment file in config/experiments")
    parser.add_argument("--variant", required=True, help="a variant of it, e.g. uhn or direct")
    parser.add_argument("--seed", required=True, type=int, help="run seed")
    parser.add_argument("--scale", default="demo", help="demo, cpu, lite or paper (default: %(default)s)")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="an experiment file outside config/experiments; demands --out"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: results/<scale>/runs/<run>")
    parser.add_argument(
        "--selected",
        type=Path,
        metavar="FILE",
        help="selected.json of the sweep that decides on this variant: train with its winner (default: as published)",
    )
    add_job_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train; exit code 3 when a signal stopped the run after a checkpoint."""
    from uhn.allocator import keep_freed_memory

    keep_freed_memory()

    from uhn.configuration.resolve import load_experiment, load_experiment_file, resolve, source_of
    from uhn.data.sources import DataSource
    from uhn.errors import UserError
    from uhn.paths import results_name, run_dir

    if args.config and not args.out:
        raise UserError(
            f"--config {args.config}: expected --out DIR with it; results/{args.scale} is for the experiments of "
            "config/experiments"
        )
    experiment = load_experiment_file(args.config) if args.config else load_experiment(args.setting)
    source = DataSource.parse(args.data or source_of(args.scale))
    identity = experiment, args.variant, args.seed, args.scale, source.kind
    config = resolve_selected(*identity, args.selected) if args.selected else resolve(*identity)
    paper_config = resolve(experiment, args.variant, args.seed, "paper")
    results = results_name(config.scale, "swept" if args.selected else "published")
    out = args.out or run_dir(results, config.setting, config.variant, config.seed)

    from uhn.training.runner import train_run

    started = time.monotonic()
    code = run_job(lambda: train_run(config, out, job_options(args, source), paper_config))
    if code == 0:
        print(
            f"{config.key}: trained in {time.monotonic() - started:.1f} s; next: uhn evaluate {shlex.quote(str(out))}"
        )
    return code


def resolve_selected(
    experiment: dict[str, Any], variant: str, seed: int, scale: str, source: str, selected: Path
) -> RunConfig:
    """Resolve a run with the winner of the sweep that decides on it."""
    from uhn.sweeps.apply import resolve_tuned
    from uhn.sweeps.files import read_final
    from uhn.sweeps.load import load_tuning

    tuning = load_tuning(experiment["setting"], variant, scale)
    winner = read_final(selected, tuning.sweep, scale).winner
    return resolve_tuned(experiment, variant, seed, scale, source, tuning, winner)
