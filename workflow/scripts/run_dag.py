"""Run Snakemake so that a killed run never blocks the next one.

Snakemake's own lock outlives a SIGKILL. Here the kernel holds the lock (inherited by Snakemake), so a lock of
Snakemake's that is found while nobody holds ours is stale and is removed.

usage: run_dag.py SNAKEMAKE_ARGUMENTS...
"""

import os
import subprocess
import sys
from pathlib import Path

# The library beside this script, also where the folder was renamed after it was installed.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from uhn.errors import UserError
from uhn.locks import LockFile
from uhn.surroundings import open_streams, supply_home

SNAKEMAKE = [sys.executable, "-m", "snakemake"]
SCRATCH = Path("scratch")


def main() -> None:
    """Lock the folder, remove a stale lock of Snakemake's, and become Snakemake."""
    open_streams()
    os.environ["PYTHONUTF8"] = "1"  # Snakemake reads and prints in the locale's encoding
    os.environ.pop("PYTHONSAFEPATH", None)
    lock = LockFile(SCRATCH / "dag.lock", "make scratch a link to a folder on a local disk")
    if not lock.take(wait=False):
        sys.exit("another `make` builds in this folder; wait for it or stop it, then run again")
    supply_home(SCRATCH / "cache")
    locks = Path(".snakemake/locks")
    if locks.is_dir() and any(locks.iterdir()):
        subprocess.run([*SNAKEMAKE, "--unlock"], check=True, capture_output=True)
    os.set_inheritable(lock.file.fileno(), True)
    os.execv(sys.executable, [*SNAKEMAKE, *sys.argv[1:]])


try:
    main()
except UserError as error:
    sys.exit(str(error))
