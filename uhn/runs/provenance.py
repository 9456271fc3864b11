"""Where a run's numbers come from: code, versions, machine. No host, user or address is recorded."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from uhn.paths import PACKAGE, REPOSITORY

# The parts of the package that determine a run's numbers: device.py the arithmetic of a GPU, metrics.py what counts as
# diverged.
NUMERIC_SOURCES = (
    "descriptors", "layers", "models", "hypernetworks", "data", "training", "device.py", "metrics.py", "seeding.py"
)  # fmt: skip

GIT_TIMEOUT_S = 10


@cache
def source_digest() -> str:
    """Return the sha256 over the package's sources that determine numbers.

    It says which sources a run had, down to a comment. Whether runs are comparable, ``uhn.CODE_VERSION`` says.
    """
    digest = hashlib.sha256()
    for name in NUMERIC_SOURCES:
        path = PACKAGE / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            content = file.read_bytes().replace(b"\r\n", b"\n")  # a checkout may have either line end
            digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + content + b"\0")
    return digest.hexdigest()


def provenance(device: str, threads: int, gpu: str | None) -> dict[str, Any]:
    """Return versions, commit and machine of the present process as plain scalars.

    Args:
        device: ``cpu`` or ``cuda``.
        threads: CPU threads of torch.
        gpu: name of the GPU; None on a CPU.
    """
    commit, dirty = _commit()
    return {
        "commit": commit,
        "dirty": dirty,
        "python": platform.python_version(),
        **{name: _version(name) for name in ("torch", "numpy", "scipy")},
        "platform": f"{sys.platform} {platform.machine()}",
        "cpu": cpu_model(),
        "cores": os.cpu_count(),
        "threads": threads,
        "device": device,
        "gpu": gpu,
    }


def _commit() -> tuple[str | None, bool | None]:
    """Return the commit and whether files differ from it; None where git does not say, or speaks of another project."""
    lines = (_git("rev-parse", "--show-toplevel", "HEAD") or "").splitlines()
    if len(lines) != 2 or Path(lines[0]).resolve() != REPOSITORY:
        return None, None
    status = _git("status", "--porcelain")
    return lines[1], None if status is None else bool(status)


def _git(*arguments: str) -> str | None:
    """Ask git about the package's folder, whatever repository the environment names; it must not keep a run waiting."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "--no-optional-locks", "-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return os.fsdecode(done.stdout).strip() if done.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def cpu_model() -> str | None:
    """Return what the system calls its CPU; None where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), None)
