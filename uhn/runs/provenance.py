"""Where a run's numbers come from: code, versions, machine. No host, user or address is recorded."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from uhn.paths import PACKAGE, REPOSITORY

# The parts of the package that determine a run's numbers: device.py the arithmetic of a GPU, metrics.py what counts as
# diverged.
NUMERIC_SOURCES = (
    "descriptors", "layers", "models", "hypernetworks", "data", "training", "device.py", "metrics.py", "seeding.py"
)  # fmt: skip


@cache
def source_digest() -> str:
    """Return the sha256 over the package's sources that determine numbers.

    It says which sources a run had, down to a comment. Whether runs are comparable, ``uhn.CODE_VERSION`` says.
    """
    digest = hashlib.sha256()
    for name in NUMERIC_SOURCES:
        path = PACKAGE / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def provenance(device: str, threads: int, gpu: str | None) -> dict[str, Any]:
    """Return versions, commit and machine of the present process as plain scalars.

    Args:
        device: ``cpu`` or ``cuda``.
        threads: CPU threads of torch.
        gpu: name of the GPU; None on a CPU.
    """
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": None if (status := _git("status", "--porcelain")) is None else bool(status),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numpy", "scipy")},
        "platform": f"{sys.platform} {platform.machine()}",
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "threads": threads,
        "device": device,
        "gpu": gpu,
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=10, check=False
        )
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def cpu_model() -> str | None:
    """Return what the system calls its CPU; None where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), None)
