"""What a run costs beside its training steps: its process, and Snakemake around it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from uhn.benchmarks.driver import run_child
from uhn.benchmarks.output import machine_line, markdown_table
from uhn.errors import UserError
from uhn.paths import REPOSITORY

# (setting, variant, scale): tiny runs of the demonstration, and one at the paper's protocol.
QUICK_RUNS = (("kan_kv", "uhn", "demo"), ("kan_kv", "direct", "demo"), ("mnist_mlp", "uhn", "demo"))
RUNS = (*QUICK_RUNS, ("kan_kv", "uhn", "paper"))
# Parts of a run that are neither training nor start-up.
SIDE_PARTS = ("logging", "checkpoints", "publishing", "evaluation")
EMPTY_JOBS = 41
EMPTY_WORKFLOW = """
rule all:
    input: expand("{number}", number=range(int(config["jobs"])))
rule job:
    output: "{number}"
    shell: "touch {output}"
"""


class Cost(NamedTuple):
    """Seconds of a command: wall clock, and CPU of it and its children."""

    wall: float
    cpu: float


def measure_runs(runs: Sequence[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Measure whole runs one after the other; add the share of what is neither start-up nor training."""
    rows = []
    for setting, variant, scale in runs:
        parts = run_child("uhn.benchmarks.job", [setting, variant, scale])
        side = sum(parts[part] for part in SIDE_PARTS)
        rows.append(
            {"run": f"{setting}/{variant}", "scale": scale} | parts | {"side_share": side / (side + parts["steps"])}
        )
    return rows


def measure_snakemake() -> dict[str, Any]:
    """Measure Snakemake with our profile on one core: jobs that do nothing, and the whole DAG without running it."""
    one, many = (_run_empty_workflow(jobs) for jobs in (1, EMPTY_JOBS))
    dry, jobs = _dry_run()
    return {
        "start_wall_s": one.wall,
        "job_wall_s": (many.wall - one.wall) / (EMPTY_JOBS - 1),
        "job_cpu_s": (many.cpu - one.cpu) / (EMPTY_JOBS - 1),
        "dag_jobs": jobs,
        "dag_wall_s": dry.wall,
    }


def overhead_markdown(runs: Sequence[dict[str, Any]], snakemake: dict[str, Any], machine: dict[str, Any]) -> str:
    """Lay out both measurements."""
    seconds = {part: part for part in runs[0] if part not in ("run", "scale", "side_share")}
    columns = {
        "run": lambda row: f"`{row['run']}`",
        "scale": lambda row: row["scale"],
        **{f"{part}, s": lambda row, part=part: f"{row[part]:.3g}" for part in seconds},
        "beside steps": lambda row: f"{row['side_share']:.1%}",
    }
    return "\n".join(
        [
            "# Overhead",
            "",
            machine_line(machine),
            "",
            "## Of a run",
            "",
            "Wall-clock seconds, imports in CPU seconds; training and evaluation in one process, where the pipeline "
            f"has two. Beside steps: {', '.join(SIDE_PARTS)} as a share of these and the steps.",
            "",
            *markdown_table(columns, runs),
            "",
            "## Of Snakemake",
            "",
            f"With the repository's profile on one core. A job that does nothing takes {snakemake['job_wall_s']:.3f} s "
            f"({snakemake['job_cpu_s']:.3f} CPU s; slope over {EMPTY_JOBS} jobs, after a start of "
            f"{snakemake['start_wall_s']:.1f} s). A dry run of `tables` at demo scale, {snakemake['dag_jobs']} jobs "
            f"left to do, takes {snakemake['dag_wall_s']:.1f} s.",
            "",
        ]
    )


def _run_empty_workflow(jobs: int) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        snakefile = Path(folder) / "Snakefile"
        snakefile.write_text(EMPTY_WORKFLOW)
        cost, _ = _snakemake(
            *("--snakefile", str(snakefile), "--directory", folder, "--config", f"jobs={jobs}", "--quiet", "all")
        )
        return cost


def _dry_run() -> tuple[Cost, int]:
    cost, output = _snakemake("tables", "--dry-run", "--quiet", "rules", "--config", "scale=demo")
    total = re.search(r"^total\s+(\d+)", output, re.MULTILINE)
    return cost, int(total[1]) if total else 0


def _snakemake(*arguments: str) -> tuple[Cost, str]:
    command = [sys.executable, "-m", "snakemake", *arguments, "--cores", "1"]
    command += ["--profile", str(REPOSITORY / "profiles" / "default")]
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode:
        reason = " ".join((done.stdout + done.stderr).split())
        raise UserError(f"uhn bench overhead: snakemake failed: {reason}")
    cpu = sum(getattr(after, name) - getattr(before, name) for name in ("children_user", "children_system"))
    return Cost(wall, cpu), done.stdout + done.stderr
