"""Where things live. The path grammar of results is decided here and nowhere else."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def config_dir() -> Path:
    """Return ``config/`` of the working directory if there is one, else the one beside the package."""
    local = Path("config")
    return local if local.is_dir() else REPOSITORY / "config"


def run_key(setting: str, variant: str, seed: int | str) -> str:
    """Return a run's name, also its path below ``results/<scale>/runs``."""
    return f"{setting}/{variant}/seed{seed}"


def run_dir(scale: str, setting: str, variant: str, seed: int | str) -> Path:
    """Return the folder of a run's files, relative to the working directory."""
    return Path("results") / scale / "runs" / run_key(setting, variant, seed)
