"""Run the command line in a process of its own, as a user does."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def uhn(*arguments, cwd):
    """Return the finished process of ``uhn ARGUMENTS`` run in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "uhn", *map(str, arguments)],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
