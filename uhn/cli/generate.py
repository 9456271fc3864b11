"""``uhn generate``: weights of a target model from a trained generator."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

EXAMPLE = """example:
  uhn generate results/demo/runs/cnn_mixed_width/uhn/seed21962 --model cnn_mixed_width/17 --out weights.safetensors
  uhn generate results/demo/runs/cifar10_cnn20/uhn/seed21962 --component convs.2.weight --out kernel.safetensors

The safetensors file holds one tensor per parameter, named as in the state dict of the target model. A run of a reduced
scale has smaller target models:
  run = uhn.training.generate.TrainedRun(Path("results/demo/runs/cnn_mixed_width/uhn/seed21962"))
  model = run.module("cnn_mixed_width/17")
  model.load_state_dict(safetensors.torch.load_file("weights.safetensors"), strict=False)
"""


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "generate",
        help="write the weights that a trained generator gives a target model",
        description="Write the weights that the generator of a finished training job gives a target model.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run_dir", type=Path, metavar="RUN_DIR", help="folder written by `uhn train`")
    parser.add_argument("--model", help="a target model of the run's setting (default: its only one)")
    parser.add_argument("--component", metavar="NAME", help="one parameter alone")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help=".safetensors, of a component also .npy"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Generate, write, and print a line about it."""
    from uhn.sweeps.expected import require_place
    from uhn.training.generate import generate_weights, write_weights

    started = time.monotonic()
    require_place(args.run_dir)
    weights = generate_weights(args.run_dir, args.model)
    write_weights(weights, args.run_dir, args.component, args.out)
    written = [weights[args.component]] if args.component else list(weights.values())
    scalars = sum(tensor.numel() for tensor in written)
    print(f"{args.out}: {len(written)} tensors, {scalars:,} numbers, in {time.monotonic() - started:.1f} s")
