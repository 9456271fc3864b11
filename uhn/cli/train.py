"""``uhn train``: train one run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

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
    parser.add_argument("--scale", default="demo", help="demo, lite or paper (default: %(default)s)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="an experiment file outside config/experiments")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: results/<scale>/runs/<run>")
    parser.add_argument("--data", help="standin, download or a folder (default: the scale's own)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads (default: %(default)s)")
    parser.add_argument("--scratch", type=Path, default=Path("scratch"), help="folder of checkpoints")
    parser.add_argument("--resume", action="store_true", help="continue from a checkpoint of this run if there is one")
    parser.add_argument("--checkpoint-every", type=float, default=30.0, metavar="SECONDS", help="default: %(default)s")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train; exit code 3 when a signal stopped the run after a checkpoint."""
    from uhn.allocator import keep_freed_memory

    keep_freed_memory()

    from uhn.experiments.resolve import load_experiment, load_experiment_file, resolve, source_of
    from uhn.paths import run_dir

    experiment = load_experiment_file(args.config) if args.config else load_experiment(args.setting)
    from uhn.data.sources import DataSource

    source = DataSource.parse(args.data or source_of(args.scale))
    config = resolve(experiment, args.variant, args.seed, args.scale, source.kind)
    paper_config = resolve(experiment, args.variant, args.seed, "paper")

    from uhn.training.runner import Interrupted, JobOptions, train_run

    options = JobOptions(args.device, source, args.threads, args.scratch, args.resume, args.checkpoint_every)
    out = args.out or run_dir(config.scale, config.setting, config.variant, config.seed)
    try:
        train_run(config, out, options, paper_config)
    except Interrupted as stop:
        print(f"uhn: {stop}", file=sys.stderr)
        return 3
    return 0
