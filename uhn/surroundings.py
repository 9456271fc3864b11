"""What a process inherits and may lack: streams, variables, a cache folder, a user's name, memory, disk space."""

from __future__ import annotations

import errno
import getpass
import os
import sys
from contextlib import suppress
from pathlib import Path

# Drawing programs set it for their own windows; ours only writes files.
BACKEND = {"MPLBACKEND": "agg"}

# Parts of messages of libraries that find no memory while they are loaded or used.
NO_MEMORY = ("failed to map segment", "allocate memory", "out of memory", "bad_alloc", "bad alloc")


def settle() -> None:
    """Make standard streams and variables of the environment fit for the commands, whatever is inherited."""
    open_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not so where a test or a notebook has replaced it
            stream.reconfigure(errors="backslashreplace")  # ± where the terminal's encoding has none
    os.environ.update(BACKEND)
    os.environ.pop("SOURCE_DATE_EPOCH", None)  # figures carry no date


def open_streams() -> None:
    """Give closed standard streams the null device, or the next file that is opened becomes one of them."""
    while (null := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(null)
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115


def supply_home(folder: Path) -> None:
    """Supply what Snakemake takes from a user's account, where there is none: a cache folder and a name.

    Args:
        folder: where the cache goes if the user's own cannot be written.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))
    usable = False
    if cache.is_absolute():  # else not even a home is known
        with suppress(OSError):
            cache.mkdir(parents=True, exist_ok=True)
            usable = os.access(cache, os.W_OK)
    if not usable:
        os.environ["XDG_CACHE_HOME"] = str(folder.absolute())
    try:
        getpass.getuser()
    except (KeyError, OSError):  # a number that the system has no name for
        os.environ["USER"] = "unknown"


def environment_problem(error: BaseException) -> str | None:
    """Describe an error that lies in the machine, not in the code: disk, permissions, memory; None for all others."""
    if isinstance(error, MemoryError) or (
        isinstance(error, ImportError | RuntimeError | OSError) and any(text in str(error) for text in NO_MEMORY)
    ):
        return "not enough memory; raise the limit (`ulimit -v`), or run fewer jobs at once"
    if isinstance(error, OSError) and error.errno is not None:
        where = f"{error.filename}: " if isinstance(error.filename, str | Path) else ""
        return f"{where}{os.strerror(error.errno)}; {_remedy(error.errno)}"
    return None


def _remedy(code: int) -> str:
    match code:
        case errno.ENOSPC | errno.EDQUOT:
            return "free space, then run the command again"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "make it writable, or name another folder"
        case errno.EMFILE | errno.ENFILE:
            return "raise the limit of open files (`ulimit -n`), or run fewer jobs at once"
    return "check that path and disk, then run the command again"
