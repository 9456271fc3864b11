"""``uhn bench``: what generation costs on this machine, as ratios to the authors' arithmetic."""

from __future__ import annotations

import argparse
from pathlib import Path

from uhn.errors import UserError

EXAMPLE = """example:
  uhn bench generator --quick
  uhn bench generator --targets cora_gcn cifar10_cnn20 --rounds 3
  uhn bench step --targets mnist_mlp --routes released auto
  uhn bench gpu --targets cifar10_cnn20
"""
# Kinds that compare routes -> the steps of each
COMPARISONS = {"generator": ("generator",), "step": ("training",), "gpu": ("generator", "training")}


def add_parser(subparsers: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = subparsers.add_parser(
        "bench",
        help="measure generation against the authors' arithmetic on this machine",
        description="Measure CPU time and memory: of generating and backpropagating (generator), of whole training "
        "steps on synthetic batches (step), or over the number of scalars and the generator's sizes (scaling); what "
        "a run and Snakemake take beside training steps (overhead); or time and memory of both kinds of step on a GPU "
        "(gpu). "
        "Ratios are formed within rounds of one run; leave the machine alone meanwhile.",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=[*COMPARISONS, "scaling", "overhead"], help="what to measure")
    parser.add_argument("--targets", nargs="+", metavar="NAME", help="target models (default: five of the paper's)")
    parser.add_argument(
        "--routes", nargs="+", metavar="NAME", help="evaluations of the first layer, with 'released' (default: all)"
    )
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="default: 3, with --quick and for scaling 1; overhead has none"
    )
    parser.add_argument(
        "--precision", choices=["float16", "bfloat16", "float32"], help="of autocast on a GPU (default: float16)"
    )
    parser.add_argument("--quick", action="store_true", help="small targets, few steps: some minutes")
    parser.add_argument("--out", type=Path, metavar="DIR", default=Path("results/bench"), help="default: %(default)s")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Measure, write tables and figures, name them on stdout.

    Raises:
        UserError: fewer rounds than one, unknown names, or names where there is no choice.
    """
    if args.rounds is not None and args.rounds < 1:
        raise UserError(f"uhn bench: expected at least 1 round, got {args.rounds}")
    if args.kind not in COMPARISONS and (args.targets or args.routes):
        raise UserError(f"uhn bench {args.kind}: what it measures is fixed; remove --targets and --routes")
    if args.precision and args.kind != "gpu":
        raise UserError(f"uhn bench {args.kind}: it runs in float32; remove --precision")
    if args.kind == "overhead" and args.rounds:
        raise UserError("uhn bench overhead: it has no rounds; remove --rounds")
    rounds = args.rounds or (1 if args.quick or args.kind == "scaling" else 3)
    seconds = 1.0 if args.quick else 5.0
    match args.kind:
        case "overhead":
            paths = _overhead(args)
        case "scaling":
            paths = _scaling(args, rounds, seconds)
        case _:
            paths = _comparison(args, rounds, seconds)
    for path in paths:
        print(path)


def _comparison(args: argparse.Namespace, rounds: int, seconds: float) -> list[Path]:
    import psutil

    from uhn.benchmarks import cases
    from uhn.benchmarks.driver import measure_machine, run_rounds
    from uhn.benchmarks.output import comparison_markdown, publish
    from uhn.benchmarks.summary import compare

    environment = {"device": "cpu", "precision": "float32"}
    memory = psutil.virtual_memory().available
    if args.kind == "gpu":
        import torch

        if not torch.cuda.is_available():
            raise UserError("uhn bench gpu: there is no usable CUDA device; uhn bench generator and step measure a CPU")
        environment = {"device": "cuda", "precision": args.precision or "float16"}
        memory = None
    targets = args.targets or (cases.QUICK_TARGETS if args.quick else cases.TARGETS)
    steps = COMPARISONS[args.kind]
    chosen, unmeasured = cases.comparison_cases(steps, targets, args.routes, **environment, memory=memory)
    machine = measure_machine(**environment)
    samples, failed = run_rounds(chosen, rounds, seconds)
    rows = compare(samples, machine)
    paths = publish(args.out / args.kind, rows, comparison_markdown(rows, unmeasured + failed, machine))
    if args.kind == "generator":
        from uhn.benchmarks.figures import save, speedup_figure

        paths += save(speedup_figure(rows), args.out / args.kind)
    return paths


def _scaling(args: argparse.Namespace, rounds: int, seconds: float) -> list[Path]:
    from uhn.benchmarks import cases
    from uhn.benchmarks.driver import measure_machine, run_rounds
    from uhn.benchmarks.figures import save, scaling_figure
    from uhn.benchmarks.output import publish, scaling_markdown
    from uhn.benchmarks.summary import scaling

    sizes = (cases.QUICK_SIZES, cases.QUICK_SWEPT_TARGET) if args.quick else (cases.SIZES, cases.SWEPT_TARGET)
    machine = measure_machine()
    samples, failed = run_rounds(cases.scaling_cases(*sizes), rounds, seconds)
    if failed:
        raise UserError(failed[0].reason)
    rows = scaling(samples, machine)
    stem = args.out / "scaling"
    return publish(stem, rows, scaling_markdown(rows, machine)) + save(scaling_figure(rows), stem)


def _overhead(args: argparse.Namespace) -> list[Path]:
    from uhn.benchmarks import overhead
    from uhn.benchmarks.driver import measure_machine
    from uhn.benchmarks.output import write_csv
    from uhn.files import write_bytes

    machine = measure_machine()
    runs = overhead.measure_runs(overhead.QUICK_RUNS if args.quick else overhead.RUNS)
    snakemake = overhead.measure_snakemake()
    paths = [args.out / f"overhead{end}" for end in ("_runs.csv", "_snakemake.csv", ".md")]
    write_csv(paths[0], runs)
    write_csv(paths[1], [snakemake])
    write_bytes(paths[2], overhead.overhead_markdown(runs, snakemake, machine).encode())
    return paths
