"""Where the configuration lies."""

from __future__ import annotations

from pathlib import Path

import uhn


def config_dir() -> Path:
    """Return ``config`` of the working directory, or else the folder beside the package."""
    local = Path("config")
    return local if local.is_dir() else Path(uhn.__file__).parent.parent / "config"
