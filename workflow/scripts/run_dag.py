"""Run Snakemake so that a killed run never blocks the next one.

Snakemake's own lock outlives a SIGKILL. Here the kernel holds the lock (flock, inherited by Snakemake), so a
lock of Snakemake's that is found while nobody holds ours is stale and is removed.

usage: run_dag.py SNAKEMAKE_ARGUMENTS...
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

SNAKEMAKE = [sys.executable, "-m", "snakemake"]


def main() -> None:
    """Lock the folder, remove a stale lock of Snakemake's, and become Snakemake."""
    Path("scratch").mkdir(exist_ok=True)
    lock = os.open("scratch/dag.lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit("another `make` builds in this folder; wait for it or stop it, then run again")
    locks = Path(".snakemake/locks")
    if locks.is_dir() and any(locks.iterdir()):
        subprocess.run([*SNAKEMAKE, "--unlock"], check=True, capture_output=True)
    os.set_inheritable(lock, True)
    os.execv(sys.executable, [*SNAKEMAKE, *sys.argv[1:]])


main()
