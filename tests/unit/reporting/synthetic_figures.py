"""Synthetic runs for every figure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from run_files import edit, sha256
from safetensors.numpy import save
from synthetic_results import record, write

SEEDS = (21962, 59358)  # the first two of the paper
FAMILIES = ("cnn_mixed_depth", "cnn_mixed_width", "cnn_mixed_depth_width", "transformer_mixed")
OUTLIER = "cnn_mixed_depth/94"


def write_figure_runs(runs: Path) -> None:
    """Write runs of two seeds for all figures."""
    for k, seed in enumerate(SEEDS):
        for family in FAMILIES:
            write(runs, record(family, "uhn", seed, 0.0, metrics={}, models=models(family, k)))
        write(runs, record(FAMILIES[0], "smooth_layers", seed, 0.0, metrics={}, models=models(FAMILIES[0], k)))
        for number, depth in enumerate((20, 32, 44, 56)):
            for variant in ("direct", "ha", "chunked", "uhn"):
                write_cnn(runs, number, depth, variant, seed)
        for variant, factor in (("raw", 0.2), ("positional", 0.6)):
            write(runs, record("cifar10_cnn20", variant, seed, 0.0))
            write_kernel(runs, variant, seed, factor)
        write_kernel(runs, "uhn", seed, 1.0)
        for variant, start in (("uhn", 1.0), ("uhn_no_init", 1.4)):
            path = write(
                runs, record("transformer_mixed", variant, seed, 0.0, metrics={}, models=models(FAMILIES[3], k))
            )
            write_lines(path, epoch_lines(start + 0.05 * k, epochs=30))
        for depth in (1, 2, 3):
            path = write(runs, record(f"recursion_k{depth}", "uhn", seed, 0.0))
            write_lines(path, level_lines(depth, k))


def models(family: str, k: int, size: int = 20) -> list[dict[str, Any]]:
    """Per-model results of the k-th seed: half seen, half unseen; one of the first family's fails."""
    rng = np.random.default_rng(FAMILIES.index(family))
    entries = []
    for number in range(2 * size):
        parameters = int(rng.integers(270_000, 470_000))
        accuracy = 0.88 + 0.02 * (parameters - 370_000) / 1e5 + 0.004 * rng.standard_normal() + 0.001 * k
        entries.append(
            {
                "name": f"{family}/{number + 55}",
                "split": "seen" if number < size else "unseen",
                "parameters": parameters,
                "metrics": {"accuracy": float(accuracy), "loss": 0.4},
                "summary": "7/8/9 layers, widths 16/32/64",
                "distance": 0.0 if number < size else round(float(rng.uniform(0, 2)), 3),
            }
        )
        if entries[-1]["name"] == OUTLIER:
            change = {"parameters": 463_018, "summary": "10/10/10 layers, widths 16/32/64", "distance": 3.0}
            entries[-1] |= change | {"metrics": {"accuracy": 0.10 + 0.01 * k, "loss": 5.0}}
    return entries


def write_cnn(runs: Path, number: int, depth: int, variant: str, seed: int) -> None:
    """Write a run of Table 2 with the paper's counts and, as run, a tenth of them."""
    target = (269_034, 463_018, 657_002, 850_986)[number]
    printed = {
        "direct": target,
        "ha": (619_306, 635_546, 651_786, 668_026)[number],
        "chunked": (625_480, 627_592, 629_640, 631_688)[number],
        "uhn": 612_117,
    }[variant]
    paper = {"target": target, "trainable": printed, "printed": printed}
    counts = {"paper": paper, "run": {key: count // 10 for key, count in paper.items()}}
    metrics = {"test/accuracy": 0.9}
    data = {"dataset": "cifar10", "source": "standin", "note": "procedural stand-in of 2,000 images"}
    write(runs, record(f"cifar10_cnn{depth}", variant, seed, 0.0, metrics=metrics, parameters=counts, data=data))


def write_kernel(runs: Path, variant: str, seed: int, factor: float) -> None:
    """Write a kernel whose channels are the less alike the larger ``factor`` is."""
    rng = np.random.default_rng(seed)
    shape = (16, 16, 3, 3)
    kernel = 0.1 * ((1 - factor) * rng.standard_normal(shape[1:]) + factor * rng.standard_normal(shape))
    folder = runs / "cifar10_cnn20" / variant / f"seed{seed}"
    digest = json.loads((folder / "run.json").read_text())["config_digest"]
    content = save({"convs.2.weight": kernel.astype(np.float32)}, metadata={"run": digest})
    (folder / "kernel.safetensors").write_bytes(content)


def epoch_lines(start: float, epochs: int) -> list[dict[str, Any]]:
    """Training lines with the mean loss at the end of every epoch."""
    lines: list[dict[str, Any]] = []
    for epoch in range(1, epochs + 1):
        loss = start / epoch
        lines.append({"phase": "train", "step": 10 * epoch - 5, "epoch": epoch, "loss": 2 * loss, "lr": 0.1})
        lines.append({"phase": "train", "step": 10 * epoch, "epoch": epoch, "loss": loss, "epoch_loss": loss})
    return lines


def level_lines(depth: int, k: int, points: int = 20) -> list[dict[str, Any]]:
    """Initialisation lines of 1,000 steps a level with the scale of every level made so far."""
    return [
        {
            "phase": f"init_{level}",
            "step": 50 * point if point < points - 1 else 999,
            "loss": 0.1,
            "level_std": {str(j): (0.3 + 0.02 * k) / (1 + j + point * (j == level)) for j in range(level + 1)},
        }
        for level in range(depth + 1)
        for point in range(points)
    ]


def write_lines(result: Path, lines: list[dict[str, Any]]) -> None:
    """Write metrics.jsonl beside a result, which names it."""
    path = result.parent / "metrics.jsonl"
    header = path.read_text().splitlines()[0]
    path.write_text("\n".join([header, *map(json.dumps, lines), ""]))
    edit(result, lambda record: record.update(metrics_sha256=sha256(path)))
